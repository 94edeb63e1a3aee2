// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"
#include "nir/geom/vec.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace nir::geom {

/// A grid of tiles over a box; keys order them along x, then y, then z.
class TileGrid {
public:
    TileGrid() = default;
    /// @throws Error{internal} for a tile that is not positive or so small that there are 2^20 along a side.
    TileGrid(const Box3f& box, float tile);

    float tile() const { return tile_; }
    /// Of a point of the box.
    std::uint64_t key(Vec3f point) const;
    /// Calls f(first key, last key) for the rows of tiles that a box meets, until it returns false.
    template <class F>
    bool visit_rows(const Box3f& box, const F& f) const;

    static std::uint64_t key_of(Vec3i t) {
        const auto part = [](int v) { return static_cast<std::uint64_t>(static_cast<std::uint32_t>(v)); };
        return part(t.z) << 42 | part(t.y) << 21 | part(t.x);
    }

private:
    bool range(const Box3f& box, Vec3i& lo, Vec3i& hi) const;

    Vec3f origin_{};
    float tile_ = 1;
    Vec3i last_{-1, -1, -1};  ///< tile
};

template <class F>
bool TileGrid::visit_rows(const Box3f& box, const F& f) const {
    Vec3i lo, hi;
    if (!range(box, lo, hi)) return true;
    for (int z = lo.z; z <= hi.z; ++z)
        for (int y = lo.y; y <= hi.y; ++y)
            if (!f(key_of({lo.x, y, z}), key_of({hi.x, y, z}))) return false;
    return true;
}

/// Where the points of the tiles lie in a list that is sorted by tile.
struct TileRange {
    std::uint64_t key;
    std::size_t begin;
};

/// Points in the tiles of a grid, so that those of a box are found without looking at the others. Refers to the points:
/// they must outlive it. 4 bytes a point (16 while it is made) and 16 a tile.
class PointTiles final : public PointSource {
public:
    PointTiles() = default;
    /// @param points [N], finite, N < 2^32  @param tile side of a tile, > 0; at most 2^20 tiles along an axis
    /// @param colors [N] or empty  @param sensors [N] or empty: Sensors::of_point
    /// @throws Error{internal} for a tile that is not positive or too small for the extent of the points.
    PointTiles(std::span<const Vec3f> points, float tile, std::span<const Rgb8> colors = {},
               std::span<const std::uint32_t> sensors = {});

    std::size_t size() const override { return points_.size(); }
    Box3f box() const override { return box_; }
    Vec3f first() const override { return points_[0]; }
    bool has_colors() const override { return !colors_.empty(); }
    bool has_sensors() const override { return !sensors_.empty(); }
    Found find(const Box3f& box) const override;
    std::size_t most_in_box(const Box3f& box) const override;
    void visit(const std::function<void(const Found&)>& f) const override;

    /// Indices of the points in a closed box, ascending.
    std::vector<std::uint32_t> in_box(const Box3f& box) const;
    /// True if a point lies in the box.
    bool any_in_box(const Box3f& box) const;

    float tile() const { return grid_.tile(); }
    std::size_t memory_bytes() const;

private:
    template <class F>
    bool visit_box(const Box3f& box, const F& f) const;

    std::span<const Vec3f> points_;
    std::span<const Rgb8> colors_;
    std::span<const std::uint32_t> sensors_;
    Box3f box_;
    TileGrid grid_;
    std::vector<std::uint32_t> order_;  ///< by tile, ascending in each
    std::vector<TileRange> tiles_;      ///< by key, one more at the end
};

/// A copy of points in tiles. @param sensors [N] or empty
std::shared_ptr<const PointSource> tiled_copy(std::span<const Vec3f> points, float tile,
                                              std::span<const std::uint32_t> sensors = {});

}  // namespace nir::geom
