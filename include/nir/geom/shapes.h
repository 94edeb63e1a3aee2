// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nir::geom {

struct Rgb8 {
    std::uint8_t r = 0, g = 0, b = 0;
    friend constexpr bool operator==(const Rgb8&, const Rgb8&) = default;
};

/// Points in the user's frame, in double so that geo-referenced scans keep their millimetres.
/// normals, colors and sensors (position of the sensor that saw the point) are empty or as long as points.
struct PointCloud {
    std::vector<Vec3d> points;
    std::vector<Vec3f> normals;
    std::vector<Rgb8> colors;
    std::vector<Vec3d> sensors;

    std::size_t size() const { return points.size(); }
    bool empty() const { return points.empty(); }
};

using Triangle = std::array<std::uint32_t, 3>;

/// Triangle mesh in the user's frame; faces run counter-clockwise seen from outside.
/// normals, colors and confidence (0..1) belong to vertices and are empty or as long as vertices.
struct TriMesh {
    std::vector<Vec3d> vertices;
    std::vector<Triangle> faces;
    std::vector<Vec3f> normals;
    std::vector<Rgb8> colors;
    std::vector<float> confidence;

    bool empty() const { return faces.empty(); }
};

/// Dense samples, index [x][y][z] with x slowest: value(i,j,k) = values[(i * size.y + j) * size.z + k].
/// Sample (i,j,k) sits at origin + (i,j,k) * spacing.
struct VoxelGrid {
    Vec3i size{};
    Vec3d origin{};
    Vec3d spacing{1, 1, 1};
    std::vector<float> values;

    std::size_t index(int i, int j, int k) const {
        return (static_cast<std::size_t>(i) * static_cast<std::size_t>(size.y) + static_cast<std::size_t>(j)) *
                   static_cast<std::size_t>(size.z) +
               static_cast<std::size_t>(k);
    }
};

/// p_user = center_user + scale * p_unit: the frame that a scan is put into and that is undone on every way out.
struct Frame {
    Vec3d center_user{};
    double scale = 1.0;

    Vec3d user_from_unit(Vec3d p) const { return center_user + p * scale; }
    Vec3d unit_from_user(Vec3d p) const { return (p - center_user) / scale; }
};

Box3d bounds(const std::vector<Vec3d>& points);

}  // namespace nir::geom
