// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstddef>

namespace nir::geom {

/// The mesh with one vertex per position (equal numbers, -0 = 0), so that neighbours share their vertices: OBJ files
/// with seams, STL-like soups. Attributes are dropped, but for the colours of the first of them; faces keep their order
/// and number.
TriMesh weld_vertices(const TriMesh& mesh);

/// What orient_faces() did.
struct OrientReport {
    std::size_t turned = 0;          ///< faces whose order of corners was reversed
    std::size_t components = 0;      ///< sets of faces joined by edges of exactly two faces, that had to be changed
    std::size_t not_orientable = 0;  ///< of those, how many cannot be made consistent (a Moebius strip)
};

/// Makes neighbouring faces agree on their outside. Only sets of faces that disagree within themselves are changed;
/// they are turned so that the volume they enclose around their middle is positive. A set that agrees is left as it
/// is, even if it looks inwards: it may bound a cavity.
OrientReport orient_faces(TriMesh& mesh);

/// Turns every face around.
void flip_faces(TriMesh& mesh);

}  // namespace nir::geom
