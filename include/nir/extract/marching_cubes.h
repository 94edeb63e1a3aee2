// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/lattice.h"
#include "nir/geom/shapes.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace nir::extract {

struct MarchingCubesOptions {
    /// The surface lies where the samples cross this value; samples <= level are outside.
    double level = 0.0;
    /// Surrounds the lattice by one layer of samples of this value; a low one closes the surface at the border.
    std::optional<double> pad_value{};
    /// Vertices keep this distance, in cells, from the ends of their lattice edge, so that samples equal to the level
    /// give small triangles instead of degenerate ones. 0 = plain linear interpolation, as in the papers' code.
    double clamp = 1e-3;
    /// vertex = origin + spacing * (position in samples); spacing > 0.
    geom::Vec3d origin{0, 0, 0};
    geom::Vec3d spacing{1, 1, 1};
    /// Also return the lattice edge of each vertex (for root finding along it).
    bool keep_edges = false;
};

/// The lattice edge that carries a vertex: from sample `lo` one step along `axis`. With padding, `lo` may be -1 and the
/// upper end may be size: see is_border().
struct LatticeEdge {
    geom::Vec3i lo;
    std::int32_t axis = 0;
    double value_lo = 0, value_hi = 0;

    /// True if one end is a padding sample, where no field was asked.
    bool is_border(geom::Vec3i size) const {
        for (int i = 0; i < 3; ++i) {
            if (lo[i] < 0 || lo[i] + (i == axis ? 1 : 0) >= size[i]) return true;
        }
        return false;
    }
};

struct MarchingCubesResult {
    geom::TriMesh mesh;
    std::vector<LatticeEdge> edges;  ///< Of each vertex; empty without keep_edges.
};

/// Marching Cubes with shared vertices and the classic (Bourke) table: one vertex on each lattice edge whose ends lie
/// on different sides. Order of vertices and faces is that of libmcubes (cells x, y, z nested;
/// docs/methods/extraction.md), whatever the number of threads. The result is edge- and vertex-manifold for every
/// input, closed if padded, and its faces are oriented outward (towards the low side). NaN counts as outside. Lattices
/// with fewer than 2 samples along an axis (after padding) give an empty mesh.
/// @throws Error(config) for a spacing that is not positive; Error(numeric) beyond 2^31 vertices.
/// Ref: lorensen1987; table: bourke1994. Deviation from libmcubes: no half-cell shift, and vertices on the open border
/// are shared too (libmcubes repeats some of them).
template <class T>
MarchingCubesResult marching_cubes(const LatticeSource<T>& lattice, const MarchingCubesOptions& options = {});

/// The same for a volume in memory, x slowest.
MarchingCubesResult marching_cubes(std::span<const float> values, geom::Vec3i size,
                                   const MarchingCubesOptions& options = {});
MarchingCubesResult marching_cubes(std::span<const double> values, geom::Vec3i size,
                                   const MarchingCubesOptions& options = {});

}  // namespace nir::extract
