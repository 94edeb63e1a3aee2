// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::geom {

/// Points in the tiles of a grid, so that those of a box are found without looking at the others. Refers to the points:
/// they must outlive it. 8 bytes a point and 24 a tile.
class PointTiles {
public:
    PointTiles() = default;
    /// @param points [N], finite, N < 2^32  @param tile side of a tile, > 0; at most 2^20 tiles along an axis
    /// @throws Error{internal} for a tile that is not positive or too small for the extent of the points.
    PointTiles(std::span<const Vec3f> points, float tile);

    /// Indices of the points in a closed box, ascending, so that what is summed over them in this order is the same for
    /// every box that holds them.
    std::vector<std::uint32_t> in_box(const Box3f& box) const;
    /// The points themselves, in the same order.
    std::vector<Vec3f> points_in_box(const Box3f& box) const;
    /// True if a point lies in the box.
    bool any_in_box(const Box3f& box) const;

    float tile() const { return tile_; }
    std::size_t memory_bytes() const;

private:
    struct Tile {
        std::uint64_t key;
        std::size_t begin;  ///< in order_
    };
    template <class F>
    bool visit(const Box3f& box, const F& f) const;

    std::span<const Vec3f> points_;
    Vec3f origin_{};
    float tile_ = 1;
    Vec3i last_{};                      ///< tile
    std::vector<std::uint32_t> order_;  ///< by tile, ascending in each
    std::vector<Tile> tiles_;           ///< by key, one more at the end
};

}  // namespace nir::geom
