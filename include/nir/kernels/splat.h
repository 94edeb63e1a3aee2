// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdint>
#include <span>

namespace nir::kernels {

/// Size of a dense grid of cells; index (z * ny + y) * nx + x, x fastest, as volumes are stored for the networks.
struct GridSize {
    std::int64_t nx = 0, ny = 0, nz = 0;
    std::int64_t cells() const { return nx * ny * nz; }
};

/// Channels written by splat_moments.
inline constexpr int kSplatChannels = 11;

/// Local statistics of a point set on a grid: every point is spread over the eight nearest cell centres with trilinear
/// weights w, and each cell keeps the moments of d = point - cell centre (in cells):
///   0 log(1 + W), W = sum w;  1 g = W / (W + 0.1);  2..4 g * mean d;  5..10 3 g * covariance (xx yy zz xy xz yz).
/// They describe the tangent plane near each cell without normals, do not depend on the order of the points, and change
/// continuously when the points move.
/// @param points  [N,3] f32, in cells: the centre of cell (i,j,k) is at (i + 0.5, j + 0.5, k + 0.5). Points outside
///                the grid contribute with the weights that fall inside; non-finite points are ignored.
/// @param out     [kSplatChannels, nz, ny, nx] f32, overwritten. N = 0 gives zeros.
/// Single-threaded, no allocation.
void splat_moments(std::span<const float> points, GridSize size, std::span<float> out);

/// Channels written by openness.
inline constexpr int kOpennessChannels = 4;

/// How open each cell lies towards the outside: the mean and the largest transmittance over the 26 directions of a
/// cube's faces, edges and corners, for two opacities 1 - exp(-1.5 W): of the cell itself (channels 0, 1) and of its
/// 3x3x3 neighbourhood (2, 3; seals the gaps of sparse scans). 1 = sees the border of the grid, 0 = enclosed.
/// @param weight   [nz, ny, nx] f32, W of splat_moments
/// @param scratch  [2, nz, ny, nx] f32
/// @param out      [kOpennessChannels, nz, ny, nx] f32, overwritten
void openness(std::span<const float> weight, GridSize size, std::span<float> scratch, std::span<float> out);

}  // namespace nir::kernels
