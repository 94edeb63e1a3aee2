// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/point_tiles.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <utility>

namespace nir::geom {
namespace {

constexpr float kMostTiles = 1 << 20;

std::uint64_t key_of(Vec3i t) {
    const auto part = [](int v) { return static_cast<std::uint64_t>(static_cast<std::uint32_t>(v)); };
    return part(t.z) << 42 | part(t.y) << 21 | part(t.x);
}

}  // namespace

PointTiles::PointTiles(std::span<const Vec3f> points, float tile) : points_(points), tile_(tile) {
    NIR_CHECK(tile > 0 && points.size() < 0xFFFFFFFFu);
    Box3f box;
    for (const auto& p : points) box.extend(p);
    if (points.empty()) return;
    origin_ = box.lo;
    for (int a = 0; a < 3; ++a) last_[a] = static_cast<int>((box.hi[a] - origin_[a]) / tile_);
    NIR_CHECK(box.longest_side() < kMostTiles * tile);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> sorted(points.size());
    parallel_for(points.size(), 8192, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const Vec3f q = (points[i] - origin_) / tile_;
            sorted[i] = {key_of({static_cast<int>(q.x), static_cast<int>(q.y), static_cast<int>(q.z)}),
                         static_cast<std::uint32_t>(i)};
        }
    });
    std::sort(sorted.begin(), sorted.end());
    order_.resize(sorted.size());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        order_[i] = sorted[i].second;
        if (i == 0 || sorted[i].first != sorted[i - 1].first) tiles_.push_back({sorted[i].first, i});
    }
    tiles_.push_back({~std::uint64_t{0}, sorted.size()});
}

/// Calls f(index) for every point of the box, tile by tile, until it returns false; returns whether it never did.
template <class F>
bool PointTiles::visit(const Box3f& box, const F& f) const {
    if (points_.empty() || box.empty()) return true;
    Vec3i lo, hi;
    for (int a = 0; a < 3; ++a) {
        const float l = (box.lo[a] - origin_[a]) / tile_, h = (box.hi[a] - origin_[a]) / tile_;
        if (h < 0 || l >= kMostTiles) return true;
        lo[a] = static_cast<int>(std::max(l, 0.0f));
        hi[a] = std::min(last_[a], static_cast<int>(std::min(h, kMostTiles)));
    }
    for (int z = lo.z; z <= hi.z; ++z)
        for (int y = lo.y; y <= hi.y; ++y) {
            // Tiles of a row along x lie one after the other.
            auto t = std::lower_bound(tiles_.begin(), tiles_.end(), key_of({lo.x, y, z}),
                                      [](const Tile& a, std::uint64_t key) { return a.key < key; });
            for (const std::uint64_t last = key_of({hi.x, y, z}); t->key <= last; ++t)
                for (std::size_t i = t->begin; i < (t + 1)->begin; ++i)
                    if (box.contains(points_[order_[i]]) && !f(order_[i])) return false;
        }
    return true;
}

std::vector<std::uint32_t> PointTiles::in_box(const Box3f& box) const {
    std::vector<std::uint32_t> found;
    visit(box, [&](std::uint32_t i) {
        found.push_back(i);
        return true;
    });
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<Vec3f> PointTiles::points_in_box(const Box3f& box) const {
    const auto indices = in_box(box);
    std::vector<Vec3f> out;
    out.reserve(indices.size());
    for (const auto i : indices) out.push_back(points_[i]);
    return out;
}

bool PointTiles::any_in_box(const Box3f& box) const {
    return !visit(box, [](std::uint32_t) { return false; });
}

std::size_t PointTiles::memory_bytes() const {
    return order_.size() * sizeof(order_[0]) + tiles_.size() * sizeof(tiles_[0]);
}

}  // namespace nir::geom
