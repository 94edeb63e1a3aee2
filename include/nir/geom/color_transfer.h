// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

namespace nir::geom {

struct ColorTransferOptions {
    std::size_t neighbors = 4;  ///< nearest points that are mixed
    double normal_cos = 0.0;    ///< with normals on both sides: points that look away more than this are passed over
};

/// Gives every vertex the colour of the nearest points of the scan, weighted by inverse squared distance and mixed in
/// linear light; a vertex on a point gets its colour exactly. Where cloud and mesh both have normals, points of the
/// other side of a thin wall (cosine below normal_cos) count only if no other is among the nearest 4 * neighbors. A
/// cloud without colours leaves the mesh as it is; so does an empty one.
/// @throws Error{input} if a point is not finite.
void transfer_colors(const PointCloud& cloud, TriMesh& mesh, const ColorTransferOptions& options = {});

}  // namespace nir::geom
