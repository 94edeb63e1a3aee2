// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace nir::models {

/// What a patch of AtlasNet is bent from.
enum class PatchTemplate : std::uint8_t { square, sphere };

/// Coordinates that its network takes.
constexpr std::int64_t template_dim(PatchTemplate t) { return t == PatchTemplate::square ? 2 : 3; }

/// Points [n, d] row by row, and faces between them.
struct TemplateMesh {
    std::vector<float> points;
    std::vector<geom::Triangle> faces;
};

/// The points that shapes are made of. Square: a grid of floor(sqrt(n))^2 points over [0,1]^2 with 2 triangles a cell,
/// all turned the same way. Sphere: the icosahedron, halved four times (2562 points of the unit sphere), whatever n.
/// @throws nir::Error (config) if a square gets fewer than 4 points. Ref: groueix2018, template.py of its code.
TemplateMesh regular_template(PatchTemplate t, std::int64_t n);

}  // namespace nir::models
