// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/shapes.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::geom {

/// Points on a surface with the flat normal (unit, outward by winding) and the index of the face they lie on.
struct SurfaceSamples {
    std::vector<Vec3d> points;
    std::vector<Vec3f> normals;
    std::vector<std::uint32_t> faces;

    std::size_t size() const { return points.size(); }
};

/// n points uniformly by area. Depends on the rng state only, not on the number of threads; the rng moves on.
/// Faces without area get no point; n = 0 is allowed.
/// @throws Error{input} if n > 0 and the mesh has no area, a face names a missing vertex, or an area is not finite.
SurfaceSamples sample_surface(const TriMesh& mesh, std::size_t n, Rng& rng);

/// Unit normal of every face, zero for faces without area.
std::vector<Vec3f> face_normals(const TriMesh& mesh);
double surface_area(const TriMesh& mesh);
/// Volume enclosed by a closed mesh, positive if its faces look outwards.
double signed_volume(const TriMesh& mesh);

/// min(k, n) different indices of [0, n), ascending.
std::vector<std::uint32_t> random_subset(std::size_t n, std::size_t k, Rng& rng);
/// min(k, n) indices, each the point farthest from all before it, starting with point `first`. O(n k), parallel.
/// @throws Error{internal} if first is not a point.
std::vector<std::uint32_t> farthest_point_subset(std::span<const Vec3d> points, std::size_t k, std::size_t first = 0);
/// One point per occupied cell of an axis-aligned grid: the one closest to the mean of its cell; ascending indices.
/// @param cell side of a cell, user units, > 0. @throws Error{usage} if the cell is not positive or so small that the
/// box of the points has more than 2^31 cells along a side; Error{input} on a non-finite point.
std::vector<std::uint32_t> voxel_subset(std::span<const Vec3d> points, double cell);
/// The chosen points with all their attributes, in the order of the indices.
PointCloud select(const PointCloud& cloud, std::span<const std::uint32_t> indices);

}  // namespace nir::geom
