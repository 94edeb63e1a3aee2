// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

namespace nir::geom {

/// Cells of a cube that the surface of a mesh touches: value 1 if a triangle and the closed cell have a point in common
/// (separating axes, exact up to rounding), 0 otherwise. Sample (i,j,k) is the centre of its cell.
/// @param corner smallest corner of the cube. @param side its side, > 0. @param cells along a side, 1 to 1024.
/// @throws Error{input} if a face names a vertex that does not exist; Error{internal} for a bad cube.
VoxelGrid touched_cells(const TriMesh& mesh, Vec3d corner, double side, int cells);

}  // namespace nir::geom
