// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::models {

/// Cells along a brick of an octave.
inline constexpr int kBrickCells = 8;

/// Bricks of a grid and who lies next to whom. Volumes on a set are [N, b, b, b, channels], one row per brick, for any
/// number of cells b along a brick; a brick that is not in the set counts as zeros.
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

/// Volumes of the first `rows` bricks of a set, [rows, side, side, side, channels].
struct BrickView {
    const float* data = nullptr;
    std::int64_t rows = 0, side = 0, channels = 0;
    std::int64_t row_floats() const { return side * side * side * channels; }
};

/// Copies bricks [first, first + count) with one cell of their neighbours around: [count, t, t, t, to_channels] with
/// t = side + 2, of whose channels the first x.channels are written. Bricks beyond x.rows count as zeros.
void gather_with_halo(const BrickSet& bricks, const BrickView& x, std::int64_t first, std::int64_t count, float* to,
                      std::int64_t to_channels);

}  // namespace nir::models
