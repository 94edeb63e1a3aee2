// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <span>
#include <vector>

namespace nir::extract {

/// Half the median of the slopes at vertices that lie within one spacing of the data (of all if there are none): as
/// steep as that, a field is sure of its side. A mesh in pieces takes it from one of them, or from a sample.
/// @param distance [V] to the data, in spacings
float sure_slope(std::span<const float> slope, std::span<const float> distance);

/// Confidence of each vertex, 0 to 1: exp(-(distance / 2)^2) * min(1, slope / sure).
///
/// The first factor says how far the data are: 0.94 half a spacing away, 0.78 at one, 0.02 at four. The second says how
/// certain the field is of its side (its derivative across the surface, ExtractOptions::slopes): a surface between
/// vague values, as in holes and at walls of which nothing is known, counts less. 1 does not mean that the surface is
/// exact, 0 that it is invented.
/// @param distance [V] to the data, in spacings  @param slope [V]  @param sure see sure_slope(); 0: the slope counts
/// for nothing
std::vector<float> vertex_confidence(std::span<const float> distance, std::span<const float> slope, float sure);

}  // namespace nir::extract
