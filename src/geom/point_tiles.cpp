// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/point_tiles.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/stop.h"

#include "geom/chunked_sort.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace nir::geom {
namespace {

constexpr float kMostTiles = 1 << 20;
constexpr std::size_t kVisited = 1 << 16;  ///< points that visit() hands on together

class TiledCopy final : public PointSource {
public:
    TiledCopy(std::span<const Vec3f> points, float tile, std::span<const std::uint32_t> sensors)
        : points_(points.begin(), points.end()),
          sensors_(sensors.begin(), sensors.end()),
          tiles_(points_, tile, {}, sensors_) {}

    std::size_t size() const override { return tiles_.size(); }
    Box3f box() const override { return tiles_.box(); }
    Vec3f first() const override { return tiles_.first(); }
    bool has_colors() const override { return false; }
    bool has_sensors() const override { return tiles_.has_sensors(); }
    Found find(const Box3f& box) const override { return tiles_.find(box); }
    std::size_t most_in_box(const Box3f& box) const override { return tiles_.most_in_box(box); }
    void visit(const std::function<void(const Found&)>& f) const override { tiles_.visit(f); }

private:
    std::vector<Vec3f> points_;
    std::vector<std::uint32_t> sensors_;
    PointTiles tiles_;
};

std::vector<TileRange>::const_iterator first_tile(const std::vector<TileRange>& tiles, std::uint64_t key) {
    return std::lower_bound(tiles.begin(), tiles.end(), key,
                            [](const TileRange& a, std::uint64_t k) { return a.key < k; });
}

}  // namespace

TileGrid::TileGrid(const Box3f& box, float tile) : tile_(tile) {
    NIR_CHECK(tile > 0);
    if (box.empty()) return;
    NIR_CHECK(box.longest_side() < kMostTiles * tile);
    origin_ = box.lo;
    for (int a = 0; a < 3; ++a) last_[a] = static_cast<int>((box.hi[a] - origin_[a]) / tile_);
}

std::uint64_t TileGrid::key(Vec3f point) const {
    const Vec3f q = (point - origin_) / tile_;
    return key_of({static_cast<int>(q.x), static_cast<int>(q.y), static_cast<int>(q.z)});
}

bool TileGrid::range(const Box3f& box, Vec3i& lo, Vec3i& hi) const {
    if (last_.x < 0 || box.empty()) return false;
    for (int a = 0; a < 3; ++a) {
        const float l = (box.lo[a] - origin_[a]) / tile_, h = (box.hi[a] - origin_[a]) / tile_;
        if (h < 0 || l >= kMostTiles) return false;
        lo[a] = static_cast<int>(std::max(l, 0.0f));
        hi[a] = std::min(last_[a], static_cast<int>(std::min(h, kMostTiles)));
    }
    return true;
}

PointTiles::PointTiles(std::span<const Vec3f> points, float tile, std::span<const Rgb8> colors,
                       std::span<const std::uint32_t> sensors)
    : points_(points), colors_(colors), sensors_(sensors) {
    NIR_CHECK(points.size() < 0xFFFFFFFFu && (colors.empty() || colors.size() == points.size()) &&
              (sensors.empty() || sensors.size() == points.size()));
    for (const auto& p : points) box_.extend(p);
    grid_ = TileGrid(box_, tile);
    if (points.empty()) return;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> sorted(points.size());
    parallel_for(points.size(), 8192, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) sorted[i] = {grid_.key(points[i]), static_cast<std::uint32_t>(i)};
    });
    sort_in_chunks(std::span(sorted));
    order_.resize(sorted.size());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        order_[i] = sorted[i].second;
        if (i == 0 || sorted[i].first != sorted[i - 1].first) tiles_.push_back({sorted[i].first, i});
    }
    tiles_.push_back({~std::uint64_t{0}, sorted.size()});
}

/// Calls f(index) for every point of the box, tile by tile, until it returns false; returns whether it never did.
template <class F>
bool PointTiles::visit_box(const Box3f& box, const F& f) const {
    return grid_.visit_rows(box, [&](std::uint64_t first, std::uint64_t last) {
        // Tiles of a row along x lie one after the other.
        for (auto t = first_tile(tiles_, first); t->key <= last; ++t)
            for (std::size_t i = t->begin; i < (t + 1)->begin; ++i)
                if (box.contains(points_[order_[i]]) && !f(order_[i])) return false;
        return true;
    });
}

std::vector<std::uint32_t> PointTiles::in_box(const Box3f& box) const {
    std::vector<std::uint32_t> found;
    visit_box(box, [&](std::uint32_t i) {
        found.push_back(i);
        return true;
    });
    std::sort(found.begin(), found.end());
    return found;
}

PointSource::Found PointTiles::find(const Box3f& box) const {
    Found found;
    found.index = in_box(box);
    const auto pick = [&found](const auto& from, auto& to) {
        if (from.empty()) return;
        to.reserve(found.index.size());
        for (const auto i : found.index) to.push_back(from[i]);
    };
    pick(points_, found.points);
    pick(colors_, found.colors);
    pick(sensors_, found.sensors);
    return found;
}

void PointTiles::visit(const std::function<void(const Found&)>& f) const {
    Found found;
    for (std::size_t first = 0; first < points_.size(); first += kVisited) {
        check_stop();
        const std::size_t n = std::min(kVisited, points_.size() - first);
        found.index.resize(n);
        std::iota(found.index.begin(), found.index.end(), static_cast<std::uint32_t>(first));
        const auto copy = [&](const auto& from, auto& to) {
            if (!from.empty())
                to.assign(from.begin() + static_cast<std::ptrdiff_t>(first),
                          from.begin() + static_cast<std::ptrdiff_t>(first + n));
        };
        copy(points_, found.points), copy(colors_, found.colors), copy(sensors_, found.sensors);
        f(found);
    }
}

std::size_t PointTiles::most_in_box(const Box3f& box) const {
    std::size_t n = 0;
    grid_.visit_rows(box, [&](std::uint64_t first, std::uint64_t last) {
        const auto begin = first_tile(tiles_, first), end = first_tile(tiles_, last + 1);
        n += end->begin - begin->begin;
        return true;
    });
    return n;
}

bool PointTiles::any_in_box(const Box3f& box) const {
    return !visit_box(box, [](std::uint32_t) { return false; });
}

std::size_t PointTiles::memory_bytes() const {
    return order_.size() * sizeof(order_[0]) + tiles_.size() * sizeof(tiles_[0]);
}

std::shared_ptr<const PointSource> tiled_copy(std::span<const Vec3f> points, float tile,
                                              std::span<const std::uint32_t> sensors) {
    return std::make_shared<TiledCopy>(points, tile, sensors);
}

}  // namespace nir::geom
