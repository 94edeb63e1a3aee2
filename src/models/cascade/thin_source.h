// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"

#include <vector>

namespace nir::models {

/// thin_points() (octave_encoder.h) of all points of a source, the same points in the same order, found box by box: at
/// most about half a million points are in memory together, besides the result.
/// @param origin  of the grid of cells  @param cell > 0
std::vector<geom::Vec3f> thin_source(const geom::PointSource& points, geom::Vec3f origin, float cell);
/// The same for the cells that meet a box.
std::vector<geom::Vec3f> thin_source(const geom::PointSource& points, const geom::Box3f& box, geom::Vec3f origin,
                                     float cell);

/// share_of_folds() (fitted_field.h) of thin_source(points, origin, cell / thinning), box by box too; a bit a point is
/// kept.
double share_of_folds(const geom::PointSource& points, geom::Vec3f origin, float cell, float thinning);

}  // namespace nir::models
