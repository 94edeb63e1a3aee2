// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::geom {

// Opening a mesh where no data support it. Every vertex has a *support value*: its distance to the data over the
// distance that is allowed there (data_support.h, or anything else); the surface stays where the value is at most 1.
//
// A mesh may come in pieces (windows of a big one). Support values are per vertex. smooth_support() with n rounds reads
// n rings around a vertex, cut_mesh() two more and one per round of spikes: pieces that overlap by n + 2 + spike_rounds
// rings of faces give the same values, the same cut and, bit for bit, the same vertices where that many rings are
// there, whatever their numbering. Only remove_islands() looks at whole components: it is called once, on the mesh that
// has been put together.

/// Rounds of Laplacian smoothing over the mesh graph (half the value, half the mean of the neighbours), after each of
/// which no value lies below the one it began with: bays between points are filled, but nothing beyond the limit comes
/// back, so that what stays is within the limit at every vertex. Values are clamped to 0..kMostSupport. Sums are
/// exact, therefore the result does not depend on the order of vertices or faces.
/// @param support [V], not NaN
std::vector<float> smooth_support(const TriMesh& mesh, std::span<const float> support, int rounds);
inline constexpr float kMostSupport = 4;

struct CutOptions {
    /// A cut that is nearer to an end of its edge than this share of the edge moves the vertex at that end to the line
    /// instead, so that no slivers are made; 0 to 0.4. The shape changes by less than this share of an edge, along the
    /// surface.
    double snap = 0.2;
    /// Rounds in which faces are dropped that stick out of the boundary with a tip sharper than `spike_angle`
    /// (degrees); 0 keeps them.
    int spike_rounds = 2;
    double spike_angle = 40;
};

/// What the vertices and faces of a mesh that was cut come from, in numbers of the mesh before.
struct CutOrigins {
    struct Vertex {
        std::uint32_t a = 0, b = 0;  ///< a vertex twice, or the ends of the edge on which the new vertex lies, a < b
        std::uint32_t copy = 0;      ///< of vertices that were doubled: 0, 1, ... in the order of the first faces
    };
    std::vector<Vertex> vertices;
    std::vector<std::uint32_t> faces;
};

/// Cuts the mesh along the line on which the support is 1, interpolated along edges, and drops what lies above. New
/// vertices are shared by the faces at their edge and get position, normal (unit), colour and confidence of their place
/// on it; the others stay as they are, but for those that are moved by `snap`. A manifold mesh (with or without
/// boundary) stays manifold: where the cut would touch a vertex from two sides, the vertex is doubled. Orientation is
/// kept. Values that are all at most 1 change nothing. Time is linear.
/// @param support [V]  @param origins  overwritten if anything was cut; null: not wanted
/// @return true if anything was cut.
bool cut_mesh(TriMesh& mesh, std::span<const float> support, const CutOptions& options, CutOrigins* origins = nullptr);

/// Removes components of an area below `area`, except for the largest one; returns how many. Vertices and faces that
/// stay keep their order.
std::size_t remove_islands(TriMesh& mesh, double area);

struct TrimOptions {
    int smoothing_rounds = 8;
    CutOptions cut;
    double island_area = 0;  ///< components below it are removed after the cut
};

/// smooth_support, cut_mesh and remove_islands in a row. @return islands removed.
std::size_t trim_mesh(TriMesh& mesh, std::span<const float> support, const TrimOptions& options);

}  // namespace nir::geom
