// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/bvh.h"
#include "nir/geom/evaluation.h"
#include "nir/geom/inside.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/metrics.h"

namespace nir::geom {

/// A shape made ready for measuring: the mesh (if it is one) with its tree, and points drawn on it.
struct MeasuredShape {
    TriMesh mesh;
    std::shared_ptr<const TriangleBvh> bvh;  // set if the shape is a mesh with area
    MeshReport report;
    std::vector<Vec3d> points;
    std::vector<Vec3f> normals;

    bool empty() const { return points.empty(); }
    bool is_cloud() const { return !empty() && !bvh; }
    OrientedPoints oriented() const { return {points, normals}; }
};

/// Draws `samples` points: uniformly by area on a mesh, without repetition from a cloud (all if it has fewer; 0: all).
/// A mesh that is not closed by vertex number is tried with equal vertices merged (STL and other soups).
MeasuredShape measure_shape(const EvaluationShape& shape, std::size_t samples, Rng rng);

/// Points of a volume with the volume that each stands for and whether the truth holds them.
struct VolumeSamples {
    std::vector<Vec3d> points;
    std::vector<double> weights;
    std::vector<std::uint8_t> inside_truth;
};

/// n points of the cube [center - 0.55 unit, center + 0.55 unit]^3: 80 % in the truth's box padded by 0.05 unit, the
/// rest outside of it, weighted by volume. Unbiased for the cube, of low variance for thin shapes.
VolumeSamples stratified_volume(const Box3d& truth, double unit, std::size_t n, Rng rng);
/// n points uniformly in [-0.55 unit, 0.55 unit]^3.
VolumeSamples uniform_volume(double unit, std::size_t n, Rng rng);

/// Equal vertices become one, faces that name a vertex twice go, vertices in no face go.
TriMesh merge_equal_vertices(const TriMesh& mesh);

}  // namespace nir::geom
