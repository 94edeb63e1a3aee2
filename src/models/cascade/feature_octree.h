// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include "models/cascade/brick_set.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace nir::models {

/// Cells [lo, hi) of an octave.
struct CellBox {
    geom::Vec3i lo{}, hi{};
    geom::Vec3i size() const { return hi - lo; }
    bool empty() const { return hi.x <= lo.x || hi.y <= lo.y || hi.z <= lo.z; }
};

/// Bricks [lo, hi) of an octave.
struct BrickBox {
    geom::Vec3i lo{}, hi{};

    geom::Vec3i size() const { return hi - lo; }
    std::size_t count() const {
        const geom::Vec3i s = size();
        if (s.x <= 0 || s.y <= 0 || s.z <= 0) return 0;
        return static_cast<std::size_t>(s.x) * static_cast<std::size_t>(s.y) * static_cast<std::size_t>(s.z);
    }
    bool contains(geom::Vec3i b) const {
        return b.x >= lo.x && b.y >= lo.y && b.z >= lo.z && b.x < hi.x && b.y < hi.y && b.z < hi.z;
    }
    /// x fastest; b must lie in the box.
    std::size_t index(geom::Vec3i b) const {
        const geom::Vec3i s = size(), d = b - lo;
        return (static_cast<std::size_t>(d.z) * static_cast<std::size_t>(s.y) + static_cast<std::size_t>(d.y)) *
                   static_cast<std::size_t>(s.x) +
               static_cast<std::size_t>(d.x);
    }
    BrickBox grown(int n) const { return {lo - geom::Vec3i{n, n, n}, hi + geom::Vec3i{n, n, n}}; }
    BrickBox clipped(const BrickBox& b) const;
};

/// A box of bricks and which of them are wanted, index BrickBox::index().
struct ActiveBricks {
    BrickBox box;
    std::vector<char> active;
};

/// Feature vectors on the octaves of a grid of cells: octave l has cells_0 * 2^l cells along each side, of which only
/// bricks of 8^3 near the surface hold features. Where an octave has none, the next coarser one speaks. Copies share
/// the octaves they have: those must not be written any more.
class FeatureOctree {
public:
    FeatureOctree(geom::Vec3f origin, float coarse_cell, int coarse_cells, int channels);

    int octaves() const { return static_cast<int>(levels_.size()); }
    int channels() const { return channels_; }
    int cells(int octave) const { return coarse_cells_ << octave; }
    float cell(int octave) const { return coarse_cell_ / static_cast<float>(1 << octave); }
    geom::Vec3f origin() const { return origin_; }
    std::size_t memory_bytes() const;

    /// The first octaves, shared with this tree; memory_bytes() of both counts them.
    FeatureOctree first_octaves(int count) const;
    /// Adds the next octave with these bricks, features zero.
    void add_octave(const ActiveBricks& bricks);
    /// All bricks of an octave.
    BrickBox whole(int octave) const { return {{0, 0, 0}, {bricks(octave), bricks(octave), bricks(octave)}}; }
    bool has_brick(int octave, geom::Vec3i brick) const { return slot_of(octave, brick) >= 0; }
    int bricks(int octave) const { return cells(octave) / kBrickCells; }
    /// The bricks of an octave, x fastest.
    const std::vector<geom::Vec3i>& brick_list(int octave) const { return level(octave).bricks; }
    /// Features [count, 8, 8, 8, channels] of bricks first .. first + count - 1 of that list.
    std::span<const float> brick_data(int octave, std::size_t first, std::size_t count) const;
    std::span<float> brick_data(int octave, std::size_t first, std::size_t count);
    /// Sets the features of some bricks that the octave has. @param features [N, 8, 8, 8, channels]
    void store_bricks(int octave, std::span<const geom::Vec3i> bricks, std::span<const float> features);

    /// Fills a volume [box, channels] with the features of an octave, coarser ones where it has none; cells beyond the
    /// grid repeat the border.
    void load(int octave, const CellBox& box, std::span<float> volume) const;
    /// Trilinear sample at a point of the finest octave that knows all eight neighbours. @param out [channels]
    /// @return the octave that answered
    int sample(geom::Vec3f point, float* out) const;

private:
    struct Level {
        BrickBox box;                     // that holds all bricks
        std::vector<std::int32_t> slot;   // of each brick in the box, or -1
        std::vector<geom::Vec3i> bricks;  // of each slot
        std::vector<float> data;          // [slot][z][y][x][channels]
    };
    const Level& level(int octave) const { return *levels_[static_cast<std::size_t>(octave)]; }
    std::int32_t slot_of(int octave, geom::Vec3i brick) const {
        const Level& l = level(octave);
        return l.box.contains(brick) ? l.slot[l.box.index(brick)] : -1;
    }
    std::size_t brick_floats() const {
        return static_cast<std::size_t>(kBrickCells * kBrickCells * kBrickCells * channels_);
    }
    const float* cell_features(int octave, geom::Vec3i c) const;
    bool sample_octave(int octave, geom::Vec3f point, float* out) const;

    geom::Vec3f origin_;
    float coarse_cell_;
    int coarse_cells_, channels_;
    std::vector<std::shared_ptr<Level>> levels_;
};

}  // namespace nir::models
