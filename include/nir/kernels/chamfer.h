// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdint>
#include <span>

namespace nir::kernels {

/// For every point of one set, the nearest of another: the inner step of the Chamfer distance, by comparing all pairs.
/// @param from     [N,3], N = 0 is allowed.  @param to [M,3]; M = 0 gives infinite distances and index 0.
/// @param squared  [N] squared distance, overwritten.
/// @param index    [N] the nearest point, overwritten; the first one if several are equally near.
/// A distance that is not a number counts as infinite. What a point gets does not depend on where it stands in `from`.
/// Single-threaded, no allocation. float runs on vectors of queries (Highway), double is the plain loop.
void nearest_points(std::span<const float> from, std::span<const float> to, std::span<float> squared,
                    std::span<std::int32_t> index);
void nearest_points(std::span<const double> from, std::span<const double> to, std::span<double> squared,
                    std::span<std::int32_t> index);

/// Derivatives of d_i = |from_i - to_index(i)|^2, the choice of the nearest held fixed (it is constant almost
/// everywhere): adds 2 w_i (from_i - to_index(i)) to dL_dfrom and subtracts it from dL_dto, w = dL_dsquared.
/// @param dL_dfrom [N,3], @param dL_dto [M,3]: added to, in the order of i; either may be empty = not wanted.
void nearest_points_backward(std::span<const float> from, std::span<const float> to,
                             std::span<const std::int32_t> index, std::span<const float> dL_dsquared,
                             std::span<float> dL_dfrom, std::span<float> dL_dto);
void nearest_points_backward(std::span<const double> from, std::span<const double> to,
                             std::span<const std::int32_t> index, std::span<const double> dL_dsquared,
                             std::span<double> dL_dfrom, std::span<double> dL_dto);

}  // namespace nir::kernels
