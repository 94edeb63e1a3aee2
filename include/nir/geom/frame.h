// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <span>
#include <vector>

namespace nir::geom {

/// The frame in which a box is centred at 0 with its longest side `unit_side` long (1: the unit cube of the papers).
/// A box of one point gets scale 1. @throws Error{input} if the box is empty or not finite.
Frame fit_frame(const Box3d& box_user, double unit_side = 1.0);
/// Same for a cloud, with far outliers and non-finite points left out of the box (see inspect_scan); exact bounds are
/// bounds(points). @throws Error{input} if no point is finite.
Frame fit_frame(std::span<const Vec3d> points_user, double unit_side = 1.0);

/// Unit-frame positions in float: the subtraction is done in double, so a scan 1e6 away from its origin keeps its
/// millimetres.
std::vector<Vec3f> unit_from_user(const Frame& frame, std::span<const Vec3d> points_user);
/// Back to the user's frame, in double.
std::vector<Vec3d> user_from_unit(const Frame& frame, std::span<const Vec3f> points_unit);

/// Moves a mesh or a cloud between the frames; normals and all other attributes stay as they are (the scale is uniform
/// and positive). Both round trips change coordinates by rounding only.
void to_user(const Frame& frame, TriMesh& mesh_unit);
void to_unit(const Frame& frame, TriMesh& mesh_user);
void to_user(const Frame& frame, PointCloud& cloud_unit);
void to_unit(const Frame& frame, PointCloud& cloud_user);
/// Box and grid of the unit frame in the user's frame.
Box3d user_from_unit(const Frame& frame, const Box3d& box_unit);

/// The frame that first applies `inner` (unit -> middle) and then `outer` (middle -> user).
Frame compose(const Frame& outer, const Frame& inner);
/// The frame with user and unit exchanged.
Frame inverse(const Frame& frame);

}  // namespace nir::geom
