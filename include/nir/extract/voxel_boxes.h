// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

namespace nir::extract {

/// The border of the filled cells of a grid: two triangles for every side between a filled cell and an empty one (or
/// the outside), facing outwards. Cell (i,j,k) is the box of size `spacing` around sample (i,j,k), filled if its value
/// is at least `level`; NaN is empty. Corners are shared, so the mesh is closed; where cells touch along an edge only,
/// four faces meet there.
/// @throws Error(input) if the numbers of samples and values differ or the spacing is not positive; Error(numeric) if
/// there are more corners than an index can count.
/// Ref: VoxelGrid.to_mesh of onet2019's code (level 0.5).
geom::TriMesh voxel_boxes(const geom::VoxelGrid& grid, double level = 0.5);

}  // namespace nir::extract
