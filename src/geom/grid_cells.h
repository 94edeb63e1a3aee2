// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <cstdint>
#include <span>
#include <vector>

namespace nir::geom {

/// A point and the cell of an axis-aligned grid it falls into, counted from the lower corner of the points' box.
struct CellPoint {
    Vec3i cell;
    std::uint32_t point;
};

/// All points sorted by cell (x, then y, then z) and index. @throws Error{usage} on an unusable cell size,
/// Error{input} on a non-finite point.
std::vector<CellPoint> sort_into_cells(std::span<const Vec3d> points, double cell);

}  // namespace nir::geom
