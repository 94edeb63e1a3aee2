// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/sensors.h"
#include "nir/geom/shapes.h"

#include <span>
#include <vector>

namespace nir::pipeline {

struct MeshSupportOptions {
    double spacing = 0;                      ///< of the points, their frame; > 0
    bool trim = false;                       ///< cut away what nothing supports
    double length = 0;                       ///< farthest from the points, their frame; 0: see geom::SupportOptions
    const geom::Sensors* sensors = nullptr;  ///< of the points: surface that turns its back to them is not supported
};

/// How far each vertex is supported by the points, from 0; above 1 it is not (geom/data_support.h). With sensors, a
/// vertex whose normal points away from the sensors of all the points near it is not supported either: single-sided
/// walls get no back. Looks at each vertex for itself, in blocks: 8 bytes a vertex are kept.
struct MeshSupport {
    std::vector<float> support;   ///< [V]; empty without trim
    std::vector<float> distance;  ///< [V] to the nearest point, in local spacings
    double reach = 0;             ///< points farther than that from all vertices do not matter
};
MeshSupport mesh_support(const geom::TriMesh& mesh, std::span<const geom::Vec3d> points,
                         const MeshSupportOptions& options);

/// Area of components that are dropped after the cut: the trace of a stray point.
double island_area(const MeshSupportOptions& options);
/// What support_mesh() does with what mesh_support() has found.
void apply_support(geom::TriMesh& mesh, const MeshSupport& found, const MeshSupportOptions& options);

/// Makes the confidence of each vertex (extract/confidence.h) of the slope of the field, which mesh.confidence holds,
/// and trims the mesh along a smooth line.
/// @param mesh in the frame of the points, with normals
void support_mesh(geom::TriMesh& mesh, std::span<const geom::Vec3d> points, const MeshSupportOptions& options);

}  // namespace nir::pipeline
