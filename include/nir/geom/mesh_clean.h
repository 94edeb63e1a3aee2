// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nir::geom {

/// A set of faces joined by edges.
struct MeshComponent {
    std::size_t faces = 0;
    double area = 0;
    double signed_volume = 0;
    Box3d box;

    double diagonal() const { return faces ? norm(box.size()) : 0.0; }
};

struct MeshComponents {
    std::vector<MeshComponent> components;  ///< In the order of their first face.
    std::vector<std::uint32_t> of_face;     ///< Index into components, one per face.
};

/// Finds the components of a mesh. A face that names a vertex twice forms a component of its own.
MeshComponents find_components(const TriMesh& mesh);

struct RemoveComponentsOptions {
    /// A component stays only if its area is at least this share of the largest component's area ...
    double min_area_share = 0.0;
    /// ... and its diagonal at least this share of the whole mesh's diagonal ...
    double min_diagonal_share = 0.0;
    /// ... and it is among this many largest by area; 0 = any number.
    std::size_t keep_largest = 0;
};

/// Removes small components with their vertices; the largest by area always stays. Returns how many went.
/// Attributes and the order of what stays are kept.
std::size_t remove_small_components(TriMesh& mesh, const RemoveComponentsOptions& options);

/// Removes faces that name a vertex twice, and repetitions of a face; returns how many. Vertices stay.
std::size_t remove_degenerate_faces(TriMesh& mesh);

/// Removes the faces for which keep[face] is 0, and then all vertices that no face names.
void keep_faces(TriMesh& mesh, const std::vector<std::uint8_t>& keep);

}  // namespace nir::geom
