// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/frame.h"

#include "nir/base/error.h"
#include "nir/geom/spacing.h"

namespace nir::geom {
namespace {

template <class F>
void map_points(std::vector<Vec3d>& points, F f) {
    for (auto& p : points) p = f(p);
}

}  // namespace

Frame fit_frame(const Box3d& box, double unit_side) {
    NIR_CHECK(unit_side > 0.0);
    if (box.empty()) fail(ErrorKind::input, "no points: a frame cannot be fitted");
    const double side = box.longest_side();
    if (!is_finite(box.lo) || !is_finite(box.hi) || !std::isfinite(side))
        fail(ErrorKind::input, "the box of the points is not finite: a frame cannot be fitted");
    return {box.lo + box.size() * 0.5, side > 0.0 ? side / unit_side : 1.0};
}

Frame fit_frame(std::span<const Vec3d> points, double unit_side) {
    return fit_frame(inspect_scan(points).robust_box, unit_side);
}

std::vector<Vec3f> unit_from_user(const Frame& frame, std::span<const Vec3d> points) {
    std::vector<Vec3f> out;
    out.reserve(points.size());
    for (const auto& p : points) out.push_back(Vec3f(frame.unit_from_user(p)));
    return out;
}

std::vector<Vec3d> user_from_unit(const Frame& frame, std::span<const Vec3f> points) {
    std::vector<Vec3d> out;
    out.reserve(points.size());
    for (const auto& p : points) out.push_back(frame.user_from_unit(Vec3d(p)));
    return out;
}

void to_user(const Frame& frame, TriMesh& mesh) {
    map_points(mesh.vertices, [&](Vec3d p) { return frame.user_from_unit(p); });
}
void to_unit(const Frame& frame, TriMesh& mesh) {
    map_points(mesh.vertices, [&](Vec3d p) { return frame.unit_from_user(p); });
}
void to_user(const Frame& frame, PointCloud& cloud) {
    map_points(cloud.points, [&](Vec3d p) { return frame.user_from_unit(p); });
    map_points(cloud.sensors, [&](Vec3d p) { return frame.user_from_unit(p); });
}
void to_unit(const Frame& frame, PointCloud& cloud) {
    map_points(cloud.points, [&](Vec3d p) { return frame.unit_from_user(p); });
    map_points(cloud.sensors, [&](Vec3d p) { return frame.unit_from_user(p); });
}

Box3d user_from_unit(const Frame& frame, const Box3d& box) {
    return {frame.user_from_unit(box.lo), frame.user_from_unit(box.hi)};
}

Frame compose(const Frame& outer, const Frame& inner) {
    return {outer.user_from_unit(inner.center_user), outer.scale * inner.scale};
}

Frame inverse(const Frame& frame) { return {-frame.center_user / frame.scale, 1.0 / frame.scale}; }

}  // namespace nir::geom
