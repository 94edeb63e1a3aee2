// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include "models/cascade/brick_set.h"

#include <ATen/core/Tensor.h>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::models {

/// Cells [lo, hi) of an octave.
struct CellBox {
    geom::Vec3i lo{}, hi{};
    geom::Vec3i size() const { return hi - lo; }
    bool empty() const { return hi.x <= lo.x || hi.y <= lo.y || hi.z <= lo.z; }
};

/// Feature vectors on the octaves of a grid of cells: octave l has cells_0 * 2^l cells along each side, of which only
/// bricks of 8^3 near the surface hold features. Where an octave has none, the next coarser one speaks.
class FeatureOctree {
public:
    FeatureOctree(geom::Vec3f origin, float coarse_cell, int coarse_cells, int channels);

    int octaves() const { return static_cast<int>(levels_.size()); }
    int channels() const { return channels_; }
    int cells(int octave) const { return coarse_cells_ << octave; }
    float cell(int octave) const { return coarse_cell_ / static_cast<float>(1 << octave); }
    geom::Vec3f origin() const { return origin_; }
    std::size_t memory_bytes() const;

    /// Adds the next octave with these bricks (index (z * n + y) * n + x over bricks).
    void add_octave(const std::vector<char>& active_bricks);
    bool has_brick(int octave, geom::Vec3i brick) const {
        return levels_[static_cast<std::size_t>(octave)].slot[brick_index(octave, brick)] >= 0;
    }
    int bricks(int octave) const { return cells(octave) / kBrickCells; }
    /// The bricks of an octave, in the order of brick_index().
    const std::vector<geom::Vec3i>& brick_list(int octave) const {
        return levels_[static_cast<std::size_t>(octave)].bricks;
    }
    /// Features [count, 8, 8, 8, channels] of bricks first .. first + count - 1 of that list.
    std::span<const float> brick_data(int octave, std::size_t first, std::size_t count) const;
    std::span<float> brick_data(int octave, std::size_t first, std::size_t count);
    /// Sets the features of some bricks that the octave has. @param features [N, channels, 8, 8, 8]
    void store_bricks(int octave, std::span<const geom::Vec3i> bricks, const at::Tensor& features);

    std::size_t brick_index(int octave, geom::Vec3i b) const {
        const auto n = static_cast<std::size_t>(bricks(octave));
        return (static_cast<std::size_t>(b.z) * n + static_cast<std::size_t>(b.y)) * n + static_cast<std::size_t>(b.x);
    }

    /// Fills a channel-first volume [channels, box] with the features of an octave, coarser ones where it has none;
    /// cells beyond the grid repeat the border.
    void load(int octave, const CellBox& box, std::span<float> volume) const;
    /// Trilinear sample at a point of the finest octave that knows all eight neighbours. @param out [channels]
    /// @return the octave that answered
    int sample(geom::Vec3f point, float* out) const;

private:
    struct Level {
        std::vector<std::int32_t> slot;   // of each brick, or -1
        std::vector<geom::Vec3i> bricks;  // of each slot
        std::vector<float> data;          // [slot][z][y][x][channels]
    };
    const float* cell_features(int octave, geom::Vec3i c) const;
    bool sample_octave(int octave, geom::Vec3f point, float* out) const;

    geom::Vec3f origin_;
    float coarse_cell_;
    int coarse_cells_, channels_;
    std::vector<Level> levels_;
};

}  // namespace nir::models
