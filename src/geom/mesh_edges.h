// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace nir::geom {

/// Disjoint sets of 0..n-1 with path halving.
class DisjointSets {
public:
    explicit DisjointSets(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0u); }
    std::uint32_t find(std::uint32_t i) {
        while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
        return i;
    }
    void join(std::uint32_t a, std::uint32_t b) {
        a = find(a), b = find(b);
        if (a != b) parent_[std::max(a, b)] = std::min(a, b);
    }

private:
    std::vector<std::uint32_t> parent_;
};

/// One use of an edge by a face: the edge runs between its lower vertex and `hi`, and is side k of the face, from
/// corner k to corner k + 1.
struct EdgeUse {
    std::uint32_t hi;
    std::uint32_t corner;  ///< 3 * face + k
    std::uint32_t face() const { return corner / 3; }
    std::uint32_t k() const { return corner % 3; }
};

inline bool names_a_vertex_twice(const Triangle& f) { return f[0] == f[1] || f[1] == f[2] || f[2] == f[0]; }

/// Calls visit(lo, uses) for every edge of the faces, uses = all faces at it; faces that name a vertex twice are left
/// out. Linear time: a counting sort by the lower vertex, then short sorts.
template <class Visit>
void for_each_edge(std::span<const Triangle> faces, std::size_t n_vertices, Visit&& visit) {
    std::vector<std::uint32_t> begin(n_vertices + 1, 0);
    const auto for_sides = [&](auto&& f) {
        for (std::uint32_t face = 0; face < faces.size(); ++face) {
            const auto& v = faces[face];
            if (names_a_vertex_twice(v)) continue;
            for (std::uint32_t k = 0; k < 3; ++k) f(v[k], v[k == 2 ? 0 : k + 1], 3 * face + k);
        }
    };
    for_sides([&](std::uint32_t a, std::uint32_t b, std::uint32_t) { ++begin[std::min(a, b) + 1]; });
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<EdgeUse> uses(begin.back());
    {
        std::vector<std::uint32_t> at(begin.begin(), begin.end() - 1);
        for_sides([&](std::uint32_t a, std::uint32_t b, std::uint32_t corner) {
            uses[at[std::min(a, b)]++] = {std::max(a, b), corner};
        });
    }
    for (std::uint32_t lo = 0; lo < n_vertices; ++lo) {
        const std::span<EdgeUse> mine(uses.data() + begin[lo], begin[lo + 1] - begin[lo]);
        std::sort(mine.begin(), mine.end(),
                  [](const EdgeUse& a, const EdgeUse& b) { return a.hi != b.hi ? a.hi < b.hi : a.corner < b.corner; });
        for (std::size_t i = 0; i < mine.size();) {
            std::size_t j = i + 1;
            while (j < mine.size() && mine[j].hi == mine[i].hi) ++j;
            visit(lo, std::span<const EdgeUse>(mine.subspan(i, j - i)));
            i = j;
        }
    }
}

}  // namespace nir::geom
