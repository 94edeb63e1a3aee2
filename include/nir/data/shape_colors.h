// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/shapes.h"

#include <span>
#include <vector>

namespace nir::data {

/// Colours (sRGB) of places of a shape that stands upright in the unit cube: two of them, which change with the height
/// slowly, in bands, or at one place. They depend on the height alone, so that a picture of one side tells those of the
/// others. The same state of `rng` gives the same bits.
std::vector<geom::Rgb8> upright_colors(std::span<const geom::Vec3d> points, Rng& rng);

}  // namespace nir::data
