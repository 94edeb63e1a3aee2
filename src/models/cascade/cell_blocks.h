// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"

#include <functional>

namespace nir::models {

/// The cell of a grid in which a point lies.
geom::Vec3i cell_of(geom::Vec3f p, geom::Vec3f origin, float cell);

/// A block of cells [lo, hi) with all points in them and in `border` cells around them.
struct CellBlock {
    geom::Vec3i lo, hi;
    geom::PointSource::Found found;

    bool holds(geom::Vec3i c) const {
        return c.x >= lo.x && c.y >= lo.y && c.z >= lo.z && c.x < hi.x && c.y < hi.y && c.z < hi.z;
    }
};

/// Calls f for blocks of cells that together hold all points of a source, each once: about half a million points are in
/// memory together, unless a single cell has more.
/// @param origin  of the grid of cells  @param cell > 0
void for_cell_blocks(const geom::PointSource& points, geom::Vec3f origin, float cell, int border,
                     const std::function<void(const CellBlock&)>& f);
/// The same for the cells that meet a box.
void for_cell_blocks(const geom::PointSource& points, const geom::Box3f& box, geom::Vec3f origin, float cell,
                     int border, const std::function<void(const CellBlock&)>& f);

}  // namespace nir::models
