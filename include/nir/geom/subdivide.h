// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstddef>

namespace nir::geom {

/// Halves edges longer than `longest` until there are none; faces on both sides of an edge are split alike, so nothing
/// opens. Columns of the vertices are interpolated. The shape stays the same.
/// @throws Error{input} if that would take more than `most_faces` faces; Error{internal} unless longest > 0.
TriMesh split_long_edges(const TriMesh& mesh, double longest, std::size_t most_faces = std::size_t{1} << 26);

}  // namespace nir::geom
