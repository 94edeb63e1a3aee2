// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/shape_generator.h"
#include "nir/geom/shapes.h"

namespace nir::data {

/// A random shape of one family, standing upright (y up) like the models of shape collections. The same state of `rng`
/// gives the same bits. @throws nir::Error (internal) for a name that is none of shape_families().
GeneratedShape generate_shape_of(std::string_view family, Rng& rng, std::size_t n_surface);

/// The surface of a shape as a closed, outward mesh, by MISE seeded with its surface points, so that thin parts are
/// not missed. What is thinner than a cell comes out as the lattice shows it: the mesh is the truth from then on.
/// @param cells along the longest side of the shape's padded box; rounded up to a multiple of 4.
/// @return in the unit cube (box centred at 0, longest side 1), coordinates as float32 holds them, with unit normals of
///         the closed form; empty if the lattice shows nothing of the shape.
geom::TriMesh mesh_of(const GeneratedShape& shape, int cells);

}  // namespace nir::data
