// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nir::io {

/// What a geometry file holds: points, and faces if it is a mesh. Optional columns are empty or as long as points.
/// Coordinates that are NaN or infinite are kept as they are; see drop_non_finite.
struct Geometry {
    std::vector<geom::Vec3d> points;
    std::vector<geom::Vec3f> normals;
    std::vector<geom::Rgb8> colors;
    std::vector<geom::Vec3d> sensors;
    std::vector<float> confidence;
    std::vector<geom::Triangle> faces;

    std::string encoding;                ///< "ascii", "binary little endian", …
    std::vector<std::string> ignored;    ///< what the file holds and nir does not use ("vertex property intensity")
    std::uint64_t polygons = 0;          ///< faces of the file before they were cut into triangles
    std::uint64_t skipped_polygons = 0;  ///< faces with fewer than three corners, left out
};

/// Read-only columns for the writers; made from a point cloud, a mesh or a Geometry.
struct GeometryView {
    std::span<const geom::Vec3d> points;
    std::span<const geom::Vec3f> normals;
    std::span<const geom::Rgb8> colors;
    std::span<const geom::Vec3d> sensors;
    std::span<const float> confidence;
    std::span<const geom::Triangle> faces;

    GeometryView(const geom::PointCloud& c)
        : points(c.points), normals(c.normals), colors(c.colors), sensors(c.sensors) {}
    GeometryView(const geom::TriMesh& m)
        : points(m.vertices), normals(m.normals), colors(m.colors), confidence(m.confidence), faces(m.faces) {}
    GeometryView(const Geometry& g)
        : points(g.points),
          normals(g.normals),
          colors(g.colors),
          sensors(g.sensors),
          confidence(g.confidence),
          faces(g.faces) {}
};

/// The points with their normals, colours and sensors; faces are dropped.
geom::PointCloud to_point_cloud(Geometry&& g);
/// @throws Error input if there are no faces.
geom::TriMesh to_mesh(Geometry&& g);

/// Removes points with a coordinate that is NaN or infinite (and, with them, their normals, colours and sensors);
/// a normal that is not finite becomes zero. Returns how many points were removed.
std::size_t drop_non_finite(geom::PointCloud& cloud);
/// How many points have a coordinate that is NaN or infinite.
std::size_t count_non_finite(std::span<const geom::Vec3d> points);

/// True if rounding the coordinates to float moves a point by more than 1e-7 of the bounding box's longest side; the
/// writers then use doubles (geo-referenced scans). Non-finite points are not counted.
bool needs_double(std::span<const geom::Vec3d> points);

/// @throws Error internal if a column is neither empty nor as long as points, or a face names a vertex that is not
/// there.
void check_columns(const GeometryView& g);

}  // namespace nir::io
