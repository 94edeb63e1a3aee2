// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <string_view>

namespace nir::io {

/// The samples of a scalar grid of an OpenVDB file, over the box of its active voxels and one more on each side: the
/// grid named "density", or the first one; further grids are named on the log. Sample (i,j,k) sits where the grid's
/// transform puts that voxel. Level sets are turned, so that distances are positive inside, as all fields of nir are.
/// Integers and booleans become floats. Up to 2^31 samples.
/// @throws Error format for other files, grids of vectors alone, and transforms that rotate, shear or mirror;
/// input for grids without an active voxel or with too many.
geom::VoxelGrid parse_vdb(std::string_view bytes);

/// Lets all that reads voxel grids by their file (nir/io/formats.h) read OpenVDB. A call of its own, because loading
/// OpenVDB takes a program 40 ms at its start, and only programs that call this are linked with it.
void enable_openvdb();

}  // namespace nir::io
