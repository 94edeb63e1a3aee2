// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::models {

/// The nodes of an endless lattice that lie around points: the eight corners of every cell that holds one, and the rest
/// of the bricks of 4^3 nodes that hold one of those. Bricks are numbered in the order in which the points meet them.
class SparseLattice {
public:
    SparseLattice() = default;
    /// @param points [N,3], finite  @param origin of node (0,0,0)  @param cell distance of nodes, > 0
    /// @throws Error numeric: a point lies more than a million cells from the origin.
    SparseLattice(std::span<const geom::Vec3f> points, geom::Vec3f origin, float cell);

    float cell() const { return cell_; }
    geom::Vec3f origin() const { return origin_; }
    std::size_t nodes() const { return bricks_.size() * kNodes; }
    /// The number of a node, or -1.
    std::int32_t find(geom::Vec3i place) const {
        const std::int32_t brick = find_brick(brick_of(place));
        return brick < 0 ? -1 : node(brick, place);
    }

    /// A point among the eight nodes around it; -1 and its weight for those that are not there.
    struct Corners {
        std::array<std::int32_t, 8> node;
        std::array<float, 8> weight;
    };
    Corners corners(geom::Vec3f point) const;

    /// The 27 nodes around a point that are there, with quadratic B-spline weights and their gradients (per length).
    /// f(node, weight, gradient).
    template <class F>
    void for_each_spline(geom::Vec3f point, const F& f) const;

    std::size_t memory_bytes() const { return bricks_.size() * sizeof(bricks_[0]) + table_.size() * sizeof(table_[0]); }

private:
    static constexpr int kSide = 4, kNodes = kSide * kSide * kSide;
    static geom::Vec3i brick_of(geom::Vec3i place) { return {place.x >> 2, place.y >> 2, place.z >> 2}; }
    static std::int32_t node(std::int32_t brick, geom::Vec3i place) {
        return brick * kNodes + ((place.z & 3) * kSide + (place.y & 3)) * kSide + (place.x & 3);
    }
    /// The bricks around one place, each looked up once.
    class Near {
    public:
        Near(const SparseLattice& lattice, geom::Vec3i lo) : lattice_(lattice), first_(brick_of(lo)) {
            slots_.fill(-2);
        }
        /// @param place  at most four nodes beyond lo along each axis
        std::int32_t find(geom::Vec3i place) {
            const geom::Vec3i brick = brick_of(place), step = brick - first_;
            std::int32_t& slot = slots_[static_cast<std::size_t>(step.x | step.y << 1 | step.z << 2)];
            if (slot == -2) slot = lattice_.find_brick(brick);
            return slot < 0 ? -1 : node(slot, place);
        }

    private:
        const SparseLattice& lattice_;
        geom::Vec3i first_;
        std::array<std::int32_t, 8> slots_;  ///< -1 not there, -2 not looked up
    };

    std::size_t slot_of(geom::Vec3i brick) const;
    std::int32_t find_brick(geom::Vec3i brick) const;
    void insert(geom::Vec3i brick);
    void rehash(std::size_t slots);

    geom::Vec3f origin_{};
    float cell_ = 1;
    std::vector<geom::Vec3i> bricks_;
    std::vector<std::int32_t> table_;  ///< open addressing: brick in this slot, or -1
};

template <class F>
void SparseLattice::for_each_spline(geom::Vec3f point, const F& f) const {
    if (bricks_.empty()) return;
    const geom::Vec3f q = (point - origin_) / cell_;
    if (!(std::max({std::abs(q.x), std::abs(q.y), std::abs(q.z)}) < 1e6f)) return;
    geom::Vec3i mid;
    std::array<std::array<float, 3>, 3> weight, slope;
    for (int a = 0; a < 3; ++a) {
        const float nearest = std::floor(q[a] + 0.5f), t = q[a] - nearest;
        mid[a] = static_cast<std::int32_t>(nearest);
        const auto k = static_cast<std::size_t>(a);
        weight[k] = {0.5f * (0.5f - t) * (0.5f - t), 0.75f - t * t, 0.5f * (0.5f + t) * (0.5f + t)};
        slope[k] = {(t - 0.5f) / cell_, -2 * t / cell_, (t + 0.5f) / cell_};
    }
    const geom::Vec3i lo = mid - geom::Vec3i{1, 1, 1};
    Near near(*this, lo);
    for (int k = 0; k < 27; ++k) {
        const int x = k % 3, y = k / 3 % 3, z = k / 9;
        const std::int32_t node = near.find(lo + geom::Vec3i{x, y, z});
        if (node < 0) continue;
        const auto i = static_cast<std::size_t>(x), j = static_cast<std::size_t>(y), l = static_cast<std::size_t>(z);
        f(node, weight[0][i] * weight[1][j] * weight[2][l],
          geom::Vec3f{slope[0][i] * weight[1][j] * weight[2][l], weight[0][i] * slope[1][j] * weight[2][l],
                      weight[0][i] * weight[1][j] * slope[2][l]});
    }
}

}  // namespace nir::models
