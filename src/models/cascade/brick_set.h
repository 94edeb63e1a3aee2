// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <ATen/core/Tensor.h>
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace nir::models {

/// Cells along a brick of an octave.
inline constexpr int kBrickCells = 8;

/// Bricks of a grid and who lies next to whom. Volumes on a set are tensors [N, channels, b, b, b], one row per brick,
/// for any number of cells b along a brick; a brick that is not in the set counts as zeros.
class BrickSet {
public:
    /// @param bricks places in a grid of bricks, none twice
    explicit BrickSet(std::vector<geom::Vec3i> bricks);

    std::int64_t size() const { return static_cast<std::int64_t>(bricks_.size()); }
    const std::vector<geom::Vec3i>& bricks() const { return bricks_; }
    /// Row of the brick at an offset of -1, 0 or 1 along each axis, index (dz * 3 + dy) * 3 + dx counted from -1;
    /// -1 = not in the set.
    std::span<const std::int32_t, 27> neighbors(std::int64_t row) const {
        return neighbors_[static_cast<std::size_t>(row)];
    }

private:
    std::vector<geom::Vec3i> bricks_;
    std::vector<std::array<std::int32_t, 27>> neighbors_;
};

/// Bricks of b^3 cells out of a volume [c, D, H, W].  @return [N, c, b, b, b]
at::Tensor cut_bricks(const at::Tensor& volume, std::span<const geom::Vec3i> bricks, std::int64_t b);

/// Copies bricks [first, first + count) with one cell of their neighbours around to rows of `stride` floats.
/// @param x [M, c, b, b, b] f32, the first M <= N bricks of the set; the others count as zeros
/// @param to  count rows, of each the first c (b + 2)^3 floats are written
void gather_with_halo(const BrickSet& bricks, const at::Tensor& x, std::int64_t first, std::int64_t count, float* to,
                      std::int64_t stride);
/// The same as a tensor [count, c, b + 2, b + 2, b + 2].
at::Tensor gather_with_halo(const BrickSet& bricks, const at::Tensor& x, std::int64_t first, std::int64_t count);

/// Calls f(first, count) for a few rows at a time, so many that their volumes of `floats` floats each stay in a cache.
void for_each_part(std::int64_t rows, std::int64_t floats,
                   const std::function<void(std::int64_t first, std::int64_t count)>& f);

/// Convolution of bricks by themselves; a batch of one gives the same bits as others, and for any number of threads.
/// @param x [n, in, s, s, s], weight [out, in, k, k, k], bias [out]  @return [n, out, s - k + 1, ...]
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// relu(convolution with a kernel of 3^3) for the first `rows` bricks of a set, a few at a time.
/// @param x [M, in, b, b, b] f32 as for gather_with_halo()  @return [rows, out, b, b, b]
at::Tensor conv3_relu_on_bricks(const BrickSet& bricks, const at::Tensor& x, std::int64_t rows,
                                const at::Tensor& weight, const at::Tensor& bias);

}  // namespace nir::models
