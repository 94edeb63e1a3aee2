// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/camera_frames.h"

#include "nir/base/error.h"

#include <cmath>

namespace nir::io {
namespace {

using geom::Pose;
using geom::Vec3d;

constexpr double kRoundingDefect = 1e-3;

Vec3d column(std::span<const double> rows, std::size_t c) { return {rows[c], rows[4 + c], rows[8 + c]}; }

// Axes that should be a rotation; rounding is taken out.
Pose checked(const Pose& pose, const char* what) {
    if (!geom::is_finite(pose.position) || !geom::is_finite(pose.right) || !geom::is_finite(pose.up) ||
        !geom::is_finite(pose.back))
        fail(ErrorKind::format, "the {} holds a number that is not finite", what);
    const double defect = geom::rotation_defect(pose);
    if (defect <= 1e-14) return pose;
    if (defect <= kRoundingDefect) return geom::orthonormalized(pose);
    const double det = dot(cross(pose.right, pose.up), pose.back);
    if (det < 0) fail(ErrorKind::format, "the {} is mirrored: its determinant is {:.4g}, not 1", what, det);
    fail(ErrorKind::format, "the {} is no rotation (determinant {:.4g}; scales and shears are not allowed)", what, det);
}

void check_rows(std::span<const double> rows) {
    NIR_CHECK(rows.size() == 12 || rows.size() == 16);
    if (rows.size() == 12) return;
    constexpr double kLast[4] = {0, 0, 0, 1};
    for (std::size_t i = 0; i < 4; ++i)
        if (!(std::abs(rows[12 + i] - kLast[i]) < 1e-6))
            fail(ErrorKind::format, "the last row of the camera's matrix is {} {} {} {}, not 0 0 0 1", rows[12],
                 rows[13], rows[14], rows[15]);
}

Matrix4 matrix_of(Vec3d x, Vec3d y, Vec3d z, Vec3d t) {
    return {x.x, y.x, z.x, t.x, x.y, y.y, z.y, t.y, x.z, y.z, z.z, t.z, 0, 0, 0, 1};
}

// World-to-camera with OpenCV's axes, 3x4.
Matrix34 world_to_opencv(const Pose& pose) {
    Matrix34 m{};
    const Vec3d rows[3] = {pose.right, -pose.up, -pose.back};
    for (std::size_t r = 0; r < 3; ++r) {
        m[4 * r] = rows[r].x, m[4 * r + 1] = rows[r].y, m[4 * r + 2] = rows[r].z;
        m[4 * r + 3] = -dot(rows[r], pose.position);
    }
    return m;
}

Vec3d row(std::span<const double> m, std::size_t r) { return {m[4 * r], m[4 * r + 1], m[4 * r + 2]}; }

}  // namespace

Pose pose_from_opengl(std::span<const double> rows) {
    check_rows(rows);
    return checked({column(rows, 0), column(rows, 1), column(rows, 2), column(rows, 3)}, "camera's matrix");
}
Matrix4 opengl_from_pose(const Pose& p) { return matrix_of(p.right, p.up, p.back, p.position); }

Pose pose_from_opencv(std::span<const double> rows) {
    check_rows(rows);
    return checked({column(rows, 0), -column(rows, 1), -column(rows, 2), column(rows, 3)}, "camera's matrix");
}
Matrix4 opencv_from_pose(const Pose& p) { return matrix_of(p.right, -p.up, -p.back, p.position); }

Pose pose_from_colmap(const ColmapPose& c) {
    auto [w, x, y, z] = c.qvec;
    const double length = std::sqrt(w * w + x * x + y * y + z * z);
    if (!std::isfinite(length) || !(length > 1e-12)) fail(ErrorKind::format, "the quaternion is 0 or not finite");
    w /= length, x /= length, y /= length, z /= length;
    // Rows of R are the camera's axes in the world: right, down, forward.
    Pose pose;
    pose.right = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)};
    pose.up = -Vec3d{2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)};
    pose.back = -Vec3d{2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)};
    // centre = -R^T t
    pose.position = -(pose.right * c.tvec[0] - pose.up * c.tvec[1] - pose.back * c.tvec[2]);
    if (!geom::is_finite(pose.position)) fail(ErrorKind::format, "the translation is not finite");
    return pose;
}

ColmapPose colmap_from_pose(const Pose& p) {
    const Matrix34 m = world_to_opencv(p);
    const auto r = [&m](std::size_t i, std::size_t j) { return m[4 * i + j]; };
    // The largest component first: its square root is well conditioned.
    const double trace = r(0, 0) + r(1, 1) + r(2, 2);
    const std::array<double, 4> square = {1 + trace, 1 + 2 * r(0, 0) - trace, 1 + 2 * r(1, 1) - trace,
                                          1 + 2 * r(2, 2) - trace};
    std::size_t largest = 0;
    for (std::size_t i = 1; i < 4; ++i)
        if (square[i] > square[largest]) largest = i;
    const double s = 2 * std::sqrt(square[largest]);
    const double wx = r(2, 1) - r(1, 2), wy = r(0, 2) - r(2, 0), wz = r(1, 0) - r(0, 1);
    const double xy = r(0, 1) + r(1, 0), xz = r(0, 2) + r(2, 0), yz = r(1, 2) + r(2, 1);
    ColmapPose out;
    switch (largest) {
        case 0:
            out.qvec = {s / 4, wx / s, wy / s, wz / s};
            break;
        case 1:
            out.qvec = {wx / s, s / 4, xy / s, xz / s};
            break;
        case 2:
            out.qvec = {wy / s, xy / s, s / 4, yz / s};
            break;
        default:
            out.qvec = {wz / s, xz / s, yz / s, s / 4};
            break;
    }
    if (out.qvec[0] < 0)
        for (double& q : out.qvec) q = -q;
    out.tvec = {m[3], m[7], m[11]};
    return out;
}

Pose pose_from_llff(const Matrix34& rows) {
    return checked({column(rows, 1), -column(rows, 0), column(rows, 2), column(rows, 3)}, "camera's matrix");
}
Matrix34 llff_from_pose(const Pose& p) {
    const Matrix4 m = matrix_of(-p.up, p.right, p.back, p.position);
    Matrix34 out{};
    std::copy(m.begin(), m.begin() + 12, out.begin());
    return out;
}

Vec3d NgpWorld::ngp_from_world(Vec3d p) const {
    const Vec3d q = p * scale + offset;
    return {q.y, q.z, q.x};
}
Vec3d NgpWorld::world_from_ngp(Vec3d p) const { return (Vec3d{p.z, p.x, p.y} - offset) / scale; }
Matrix34 NgpWorld::ngp_from_pose(const Pose& p) const {
    const auto cycle = [](Vec3d v) { return Vec3d{v.y, v.z, v.x}; };
    const Matrix4 m = matrix_of(cycle(p.right), -cycle(p.up), -cycle(p.back), ngp_from_world(p.position));
    Matrix34 out{};
    std::copy(m.begin(), m.begin() + 12, out.begin());
    return out;
}
Pose NgpWorld::pose_from_ngp(const Matrix34& rows) const {
    const auto back = [](Vec3d v) { return Vec3d{v.z, v.x, v.y}; };
    return checked(
        {back(column(rows, 0)), -back(column(rows, 1)), -back(column(rows, 2)), world_from_ngp(column(rows, 3))},
        "camera's matrix");
}

ProjectionParts decompose_projection(const Matrix34& projection) {
    for (const double v : projection)
        if (!std::isfinite(v)) fail(ErrorKind::format, "the projection matrix holds a number that is not finite");
    // M = K R by Gram-Schmidt from the last row up; P and -P project alike, the sign that keeps det R = 1 is taken.
    Vec3d m0 = row(projection, 0), m1 = row(projection, 1), m2 = row(projection, 2);
    Vec3d t{projection[3], projection[7], projection[11]};
    const double volume = dot(cross(m0, m1), m2), size = norm(m0) * norm(m1) * norm(m2);
    if (!(size > 0) || !(std::abs(volume) > 1e-12 * size))
        fail(ErrorKind::format, "the projection matrix is singular: it belongs to no camera");
    if (volume < 0) m0 = -m0, m1 = -m1, m2 = -m2, t = -t;
    const double scale = norm(m2);
    const Vec3d forward = m2 / scale;
    const double cy = dot(m1, forward);
    const Vec3d v1 = m1 - forward * cy;
    const double fy = norm(v1);
    const Vec3d down = v1 / fy;
    const double cx = dot(m0, forward), skew = dot(m0, down);
    const Vec3d v0 = m0 - forward * cx - down * skew;
    const double fx = norm(v0);
    const Vec3d right = v0 / fx;

    ProjectionParts out;
    out.fx = fx / scale, out.fy = fy / scale, out.cx = cx / scale, out.cy = cy / scale, out.skew = skew / scale;
    // K^-1 p4 = t_camera; centre = -R^T t_camera.
    const double tz = t.z / scale, ty = (t.y / scale - out.cy * tz) / out.fy,
                 tx = (t.x / scale - out.skew * ty - out.cx * tz) / out.fx;
    out.pose = checked({right, -down, -forward, -(right * tx + down * ty + forward * tz)}, "projection matrix");
    return out;
}

Matrix34 projection_from_camera(const geom::Camera& c, const Pose& pose) {
    const Matrix34 w = world_to_opencv(pose);
    Matrix34 out{};
    for (std::size_t i = 0; i < 4; ++i) {
        out[i] = c.fx * w[i] + (c.cx - 0.5) * w[8 + i];
        out[4 + i] = c.fy * w[4 + i] + (c.cy - 0.5) * w[8 + i];
        out[8 + i] = w[8 + i];
    }
    return out;
}

namespace {

// u = a x + b for the continuous picture coordinate x and DVR's u in [-1, 1].
struct Axis {
    double a, b;
};
Axis dvr_axis(int n, bool centres) {
    if (centres) return {2.0 / (n - 1), -1 - 1.0 / (n - 1)};
    return {2.0 / n, -1};
}

}  // namespace

DvrMatrices dvr_from_camera(const geom::Camera& c, const Pose& pose, bool centres) {
    NIR_CHECK(c.width > 1 && c.height > 1);
    const Axis x = dvr_axis(c.width, centres), y = dvr_axis(c.height, centres);
    DvrMatrices out;
    out.camera_mat = {x.a * c.fx, 0, x.a * c.cx + x.b, 0, 0, y.a * c.fy, y.a * c.cy + y.b, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    const Matrix34 w = world_to_opencv(pose);
    std::copy(w.begin(), w.end(), out.world_mat.begin());
    out.world_mat[15] = 1;
    return out;
}

PosedCamera camera_from_dvr(const DvrMatrices& m, int width, int height, bool centres) {
    NIR_CHECK(width > 1 && height > 1);
    // Whatever the two factors hold, their product is a projection to [-1, 1]^2.
    Matrix34 p{};
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 4; ++c)
            for (std::size_t k = 0; k < 4; ++k) p[4 * r + c] += m.camera_mat[4 * r + k] * m.world_mat[4 * k + c];
    const ProjectionParts parts = decompose_projection(p);
    const Axis x = dvr_axis(width, centres), y = dvr_axis(height, centres);
    PosedCamera out;
    out.pose = parts.pose;
    out.camera.width = width, out.camera.height = height;
    out.camera.fx = parts.fx / x.a, out.camera.fy = parts.fy / y.a;
    out.camera.cx = (parts.cx - x.b) / x.a, out.camera.cy = (parts.cy - y.b) / y.a;
    return out;
}

}  // namespace nir::io
