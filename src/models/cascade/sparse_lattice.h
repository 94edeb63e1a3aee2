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

/// The nodes of an endless lattice that lie around points: the eight corners of every cell that holds one. Nodes are
/// numbered from 0 in the order in which the points meet them.
class SparseLattice {
public:
    SparseLattice() = default;
    /// @param points [N,3], finite  @param origin of node (0,0,0)  @param cell distance of nodes, > 0
    /// @throws Error numeric: a point lies more than a million cells from the origin.
    SparseLattice(std::span<const geom::Vec3f> points, geom::Vec3f origin, float cell);

    float cell() const { return cell_; }
    geom::Vec3f origin() const { return origin_; }
    std::size_t nodes() const { return places_.size(); }
    /// The number of a node, or -1.
    std::int32_t find(geom::Vec3i place) const;

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

    std::size_t memory_bytes() const { return places_.size() * sizeof(places_[0]) + table_.size() * sizeof(table_[0]); }

private:
    std::size_t slot_of(geom::Vec3i place) const;
    void insert(geom::Vec3i place);
    void rehash(std::size_t slots);

    geom::Vec3f origin_{};
    float cell_ = 1;
    std::vector<geom::Vec3i> places_;
    std::vector<std::int32_t> table_;  ///< open addressing: node in this slot, or -1
};

template <class F>
void SparseLattice::for_each_spline(geom::Vec3f point, const F& f) const {
    if (places_.empty()) return;
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
    for (int k = 0; k < 27; ++k) {
        const int x = k % 3, y = k / 3 % 3, z = k / 9;
        const std::int32_t node = find(mid + geom::Vec3i{x - 1, y - 1, z - 1});
        if (node < 0) continue;
        const auto i = static_cast<std::size_t>(x), j = static_cast<std::size_t>(y), l = static_cast<std::size_t>(z);
        f(node, weight[0][i] * weight[1][j] * weight[2][l],
          geom::Vec3f{slope[0][i] * weight[1][j] * weight[2][l], weight[0][i] * slope[1][j] * weight[2][l],
                      weight[0][i] * weight[1][j] * slope[2][l]});
    }
}

}  // namespace nir::models
