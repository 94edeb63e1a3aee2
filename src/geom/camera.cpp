// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/camera.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "geom/lens.h"

#include <cmath>
#include <numbers>

namespace nir::geom {

Pose look_at(Vec3d eye, Vec3d target, Vec3d up) {
    const Vec3d back = eye - target;
    NIR_CHECK(is_finite(back) && norm(back) > 0.0);
    Pose pose;
    pose.position = eye;
    pose.back = normalized(back);
    Vec3d right = cross(normalized(up), pose.back);
    if (norm(right) < 1e-6) right = cross(std::abs(pose.back.z) < 0.9 ? Vec3d{0, 0, 1} : Vec3d{0, 1, 0}, pose.back);
    pose.right = normalized(right);
    pose.up = cross(pose.back, pose.right);
    return pose;
}

double rotation_defect(const Pose& p) {
    if (!is_finite(p.right) || !is_finite(p.up) || !is_finite(p.back)) return std::numeric_limits<double>::infinity();
    double worst = 0.0;
    for (const double v : {dot(p.right, p.right) - 1, dot(p.up, p.up) - 1, dot(p.back, p.back) - 1, dot(p.right, p.up),
                           dot(p.right, p.back), dot(p.up, p.back)})
        worst = std::max(worst, std::abs(v));
    return dot(cross(p.right, p.up), p.back) < 0.0 ? std::max(worst, 2.0) : worst;
}

Pose orthonormalized(const Pose& pose) {
    Pose p = pose;
    // Newton's iteration R <- (R + R^-T) / 2 of the polar decomposition; columns of R^-T are cross products / det.
    for (int i = 0; i < 50; ++i) {
        const double det = dot(cross(p.right, p.up), p.back);
        if (!(det > 1e-12) || !std::isfinite(det))
            fail(ErrorKind::input, "the rotation is {}", det < -1e-12 ? "mirrored" : "degenerate");
        const Vec3d right = (p.right + cross(p.up, p.back) / det) / 2;
        const Vec3d up = (p.up + cross(p.back, p.right) / det) / 2;
        const Vec3d back = (p.back + cross(p.right, p.up) / det) / 2;
        const double change = norm(right - p.right) + norm(up - p.up) + norm(back - p.back);
        p.right = right, p.up = up, p.back = back;
        if (change < 1e-15) break;
    }
    return p;
}

std::string_view name_of(LensModel model) {
    switch (model) {
        case LensModel::pinhole:
            return "pinhole";
        case LensModel::opencv:
            return "OPENCV";
        case LensModel::opencv_fisheye:
            return "OPENCV_FISHEYE";
    }
    return "?";
}

double Camera::fov_x_rad() const { return std::atan(cx / fx) + std::atan((width - cx) / fx); }
double Camera::fov_y_rad() const { return std::atan(cy / fy) + std::atan((height - cy) / fy); }

Camera pinhole_camera(int width, int height, double fov_x_rad) {
    NIR_CHECK(width > 0 && height > 0 && fov_x_rad > 0.0 && fov_x_rad < std::numbers::pi);
    Camera camera;
    camera.width = width, camera.height = height;
    camera.fx = camera.fy = 0.5 * width / std::tan(0.5 * fov_x_rad);
    camera.cx = 0.5 * width, camera.cy = 0.5 * height;
    return camera;
}

Camera scaled(const Camera& camera, int width, int height) {
    NIR_CHECK(width > 0 && height > 0 && camera.width > 0 && camera.height > 0);
    const double sx = static_cast<double>(width) / camera.width, sy = static_cast<double>(height) / camera.height;
    Camera out = camera;
    out.width = width, out.height = height;
    out.fx *= sx, out.cx *= sx, out.fy *= sy, out.cy *= sy;
    return out;
}

std::optional<Vec3d> direction_in_camera(const Camera& camera, PixelPosition at) {
    const double x = (at.x - camera.cx) / camera.fx, y = (at.y - camera.cy) / camera.fy;
    if (!std::isfinite(x) || !std::isfinite(y)) return std::nullopt;
    if (camera.lens.model == LensModel::pinhole) return normalized(Vec3d{x, -y, -1});
    if (camera.lens.model == LensModel::opencv) {
        const auto p = lens::undistort(camera.lens, {x, y});
        if (!p) return std::nullopt;
        return normalized(Vec3d{p->x, -p->y, -1});
    }
    const double r = std::hypot(x, y);
    if (r == 0.0) return Vec3d{0, 0, -1};
    const auto theta = lens::fisheye_angle(camera.lens, r);
    if (!theta) return std::nullopt;
    const double s = std::sin(*theta) / r;
    return Vec3d{x * s, -y * s, -std::cos(*theta)};
}

std::optional<Projection> project(const Camera& camera, Vec3d p) {
    const double depth = -p.z;
    lens::Point2 n;
    if (camera.lens.model == LensModel::opencv_fisheye) {
        const double r = std::hypot(p.x, p.y), theta = std::atan2(r, depth);
        if (!(norm(p) > 0.0) || !lens::fisheye_is_monotone(camera.lens, theta)) return std::nullopt;
        const double s = r > 0.0 ? lens::fisheye_radius(camera.lens, theta) / r : 0.0;
        if (r == 0.0 && depth < 0.0) return std::nullopt;  // straight behind: seen on a whole circle
        n = {p.x * s, -p.y * s};
    } else {
        if (!(depth > 0.0)) return std::nullopt;
        n = {p.x / depth, -p.y / depth};
        if (camera.lens.model == LensModel::opencv) {
            if (!lens::is_monotone(camera.lens, n)) return std::nullopt;
            n = lens::distort(camera.lens, n);
        }
    }
    const Projection out{{n.x * camera.fx + camera.cx, n.y * camera.fy + camera.cy}, depth};
    if (!std::isfinite(out.at.x) || !std::isfinite(out.at.y)) return std::nullopt;
    return out;
}

std::optional<Projection> project(const Camera& camera, const Pose& pose, Vec3d point_world) {
    return project(camera, pose.camera_from_world(point_world));
}

std::optional<Ray> ray_through(const Camera& camera, const Pose& pose, PixelPosition at) {
    const auto d = direction_in_camera(camera, at);
    if (!d) return std::nullopt;
    return Ray{pose.position, pose.rotate_to_world(*d), -d->z};
}

PixelDirections pixel_directions(const Camera& camera) {
    NIR_CHECK(camera.width > 0 && camera.height > 0);
    PixelDirections out{camera.width, camera.height, {}, 0};
    const auto width = static_cast<std::size_t>(camera.width), height = static_cast<std::size_t>(camera.height);
    out.directions.resize(width * height);
    std::vector<std::size_t> without(height, 0);
    parallel_for(height, 8, [&](std::size_t begin, std::size_t end) {
        for (std::size_t j = begin; j < end; ++j)
            for (std::size_t i = 0; i < width; ++i) {
                const auto d =
                    direction_in_camera(camera, {static_cast<double>(i) + 0.5, static_cast<double>(j) + 0.5});
                if (d)
                    out.directions[j * width + i] = Vec3f(*d);
                else
                    ++without[j];
            }
    });
    for (const std::size_t n : without) out.without += n;
    return out;
}

NdcRay ndc_ray(const Camera& c, Vec3d o, Vec3d d, double near) {
    NIR_CHECK(d.z < 0.0);
    o += d * (-(near + o.z) / d.z);
    const double ax = -c.fx / (0.5 * c.width), ay = -c.fy / (0.5 * c.height);
    return {{ax * o.x / o.z, ay * o.y / o.z, 1 + 2 * near / o.z},
            {ax * (d.x / d.z - o.x / o.z), ay * (d.y / d.z - o.y / o.z), -2 * near / o.z}};
}

Vec3d point_from_ndc(const Camera& c, Vec3d ndc, double near) {
    const double z = 2 * near / (ndc.z - 1);
    return {-ndc.x * z * 0.5 * c.width / c.fx, -ndc.y * z * 0.5 * c.height / c.fy, z};
}

Vec3d ndc_from_point(const Camera& c, Vec3d p, double near) {
    return {-c.fx / (0.5 * c.width) * p.x / p.z, -c.fy / (0.5 * c.height) * p.y / p.z, 1 + 2 * near / p.z};
}

}  // namespace nir::geom
