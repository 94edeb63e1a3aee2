// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace nir::geom {

/// What a triangle mesh is made of and what is wrong with it. Connections count by vertex number, not by position.
struct MeshReport {
    std::size_t vertices = 0, faces = 0, edges = 0;
    std::size_t unused_vertices = 0;        ///< Named by no face.
    std::size_t boundary_edges = 0;         ///< With one face.
    std::size_t non_manifold_edges = 0;     ///< With three faces or more.
    std::size_t misoriented_edges = 0;      ///< With two faces that run along it in the same direction.
    std::size_t non_manifold_vertices = 0;  ///< Whose faces form more than one fan.
    std::size_t degenerate_faces = 0;       ///< A vertex named twice, or no area.
    std::size_t duplicate_faces = 0;        ///< Same three vertices as an earlier face, in any order.
    std::size_t components = 0;             ///< Sets of faces joined by edges.
    std::int64_t euler_characteristic = 0;  ///< V - E + F, without unused vertices.
    double area = 0;
    double signed_volume = 0;  ///< Positive if faces look outward; meaningful for closed meshes.

    bool closed = false;    ///< Every edge has exactly two faces. False for an empty mesh.
    bool oriented = false;  ///< Faces that share an edge run along it in opposite directions.
    bool outward = false;   ///< closed, oriented and of positive volume.

    bool manifold() const { return non_manifold_edges == 0 && non_manifold_vertices == 0; }
    bool watertight() const { return closed && oriented; }
    /// Handles of a closed, oriented manifold: components - euler_characteristic / 2; -1 for any other mesh.
    std::int64_t genus() const;
    /// One line: "closed, 2 components, genus 1" or what is wrong.
    std::string summary() const;
};

/// Checks a mesh in time linear in its size. Faces that name a vertex beyond the end are an Error(input) with the face.
MeshReport check_mesh(const TriMesh& mesh);

}  // namespace nir::geom
