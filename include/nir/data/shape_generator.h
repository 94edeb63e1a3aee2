// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/solid.h"

#include <string_view>

namespace nir::data {

class Room;

/// One random solid with exact inside labels, centred at 0, longest side of its box 1.
struct GeneratedShape {
    SolidPtr solid;
    std::string_view family;
    /// Bounding box of the surface after centring and scaling.
    geom::Box3f box;
    /// Clean surface points, uniform by area (at least the number asked for).
    std::vector<Vec3f> surface;
    float area = 0.0f;  ///< estimated from the number of line crossings
    /// What the solid is made of, if it is a room (room_generator.h).
    std::shared_ptr<const Room> room{};
};

/// The families of the generator, each a few lines in shape_generator.cpp.
std::span<const std::string_view> shape_families();

/// Draws a shape of a random family (weights in the source) and samples its surface. Never returns an empty shape.
/// Endless: every state of `rng` gives another one; the same state gives the same bits.
GeneratedShape generate_shape(Rng& rng, std::size_t n_surface);

}  // namespace nir::data
