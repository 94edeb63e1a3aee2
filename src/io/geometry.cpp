// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/geometry.h"

#include "nir/base/error.h"
#include "nir/io/mesh_stream.h"

#include "io/float_loss.h"

#include <algorithm>
#include <cmath>

namespace nir::io {

using geom::Vec3d;
using geom::Vec3f;

// A call of its own: GCC 12's vectoriser (-O2 and up) folds double -> float -> double of neighbouring struct members
// into nothing.
[[gnu::noinline]] double float_loss(double v) { return std::abs(v - static_cast<double>(static_cast<float>(v))); }

geom::PointCloud to_point_cloud(Geometry&& g) {
    return {std::move(g.points), std::move(g.normals), std::move(g.colors), std::move(g.sensors)};
}

geom::TriMesh to_mesh(Geometry&& g) {
    if (g.faces.empty()) {
        fail(ErrorKind::input, "holds {} points and no faces; a mesh is needed here (nir reconstruct makes one)",
             g.points.size());
    }
    return {std::move(g.points), std::move(g.faces), std::move(g.normals), std::move(g.colors),
            std::move(g.confidence)};
}

std::size_t count_non_finite(std::span<const Vec3d> points) {
    return static_cast<std::size_t>(
        std::count_if(points.begin(), points.end(), [](const Vec3d& p) { return !geom::is_finite(p); }));
}

std::size_t drop_non_finite(geom::PointCloud& cloud) {
    for (Vec3f& n : cloud.normals) {
        if (!geom::is_finite(n)) n = {};
    }
    const std::size_t n = cloud.points.size();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (!geom::is_finite(cloud.points[i])) continue;
        if (kept != i) {
            cloud.points[kept] = cloud.points[i];
            if (!cloud.normals.empty()) cloud.normals[kept] = cloud.normals[i];
            if (!cloud.colors.empty()) cloud.colors[kept] = cloud.colors[i];
            if (!cloud.sensors.empty()) cloud.sensors[kept] = cloud.sensors[i];
        }
        ++kept;
    }
    cloud.points.resize(kept);
    if (!cloud.normals.empty()) cloud.normals.resize(kept);
    if (!cloud.colors.empty()) cloud.colors.resize(kept);
    if (!cloud.sensors.empty()) cloud.sensors.resize(kept);
    return n - kept;
}

bool needs_double(std::span<const Vec3d> points) {
    CoordinateCheck check;
    for (const Vec3d& p : points) check.add(p);
    return check.needs_double();
}

void check_columns(const GeometryView& g) {
    const std::size_t n = g.points.size();
    const auto fits = [n](std::size_t m) { return m == 0 || m == n; };
    NIR_CHECK(fits(g.normals.size()) && fits(g.colors.size()));
    NIR_CHECK(fits(g.sensors.size()) && fits(g.confidence.size()));
    for (const geom::Triangle& t : g.faces) NIR_CHECK(t[0] < n && t[1] < n && t[2] < n);
}

}  // namespace nir::io
