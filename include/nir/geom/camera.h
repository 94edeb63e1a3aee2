// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace nir::geom {

/// Where a camera stands: p_world = position + x * right + y * up + z * back for a point (x, y, z) of the camera's
/// frame. nir's one convention: right-handed, x to the right, y up, the camera looks along -z (OpenGL, Blender, NeRF's
/// transform_matrix). Other axes exist only in io (io/camera_frames.h).
struct Pose {
    Vec3d right{1, 0, 0}, up{0, 1, 0}, back{0, 0, 1};  ///< columns of the rotation, orthonormal
    Vec3d position{};                                  ///< of the eye, world units

    Vec3d rotate_to_world(Vec3d d) const { return right * d.x + up * d.y + back * d.z; }
    Vec3d rotate_to_camera(Vec3d d) const { return {dot(right, d), dot(up, d), dot(back, d)}; }
    Vec3d world_from_camera(Vec3d p) const { return position + rotate_to_world(p); }
    Vec3d camera_from_world(Vec3d p) const { return rotate_to_camera(p - position); }
    Vec3d forward() const { return -back; }

    friend bool operator==(const Pose&, const Pose&) = default;
};

/// A camera at `eye` that looks at `target`. Where the view runs along `up`, another up is chosen.
/// @throws Error{internal} if eye and target are one point or not finite.
Pose look_at(Vec3d eye, Vec3d target, Vec3d up = {0, 1, 0});

/// Largest difference of the axes from an orthonormal, right-handed frame: |R^T R - 1|, and 2 for a mirrored one.
double rotation_defect(const Pose& pose);
/// The nearest rotation to axes with rounding errors (two Newton steps of the polar decomposition and more if needed).
/// @throws Error{input} if they are mirrored, degenerate or not finite.
Pose orthonormalized(const Pose& pose);

enum class LensModel { pinhole, opencv, opencv_fisheye };
std::string_view name_of(LensModel model);

/// Distortion of the normalised image plane (x to the right, y down, at depth 1), as in OpenCV.
///   opencv:         x' = x s + 2 p1 x y + p2 (r² + 2 x²),  y' = y s + p1 (r² + 2 y²) + 2 p2 x y,
///                   s = (1 + k0 r² + k1 r⁴ + k2 r⁶ + k3 r⁸) / (1 + d0 r² + d1 r⁴ + d2 r⁶)
///   opencv_fisheye: θ' = θ (1 + k0 θ² + k1 θ⁴ + k2 θ⁶ + k3 θ⁸), θ the angle to the optical axis.
/// k0..k3 are the files' k1..k4; d is the denominator of COLMAP's FULL_OPENCV (its k4..k6).
struct Lens {
    LensModel model = LensModel::pinhole;
    std::array<double, 4> k{};
    double p1 = 0, p2 = 0;
    std::array<double, 3> d{};

    friend bool operator==(const Lens&, const Lens&) = default;
};

/// Continuous picture coordinates: (0, 0) is the outer corner at the top left, the centre of pixel (i, j) is
/// (i + 0.5, j + 0.5); y runs down.
struct PixelPosition {
    double x = 0, y = 0;
};

/// Intrinsics in pixels of a width x height picture.
struct Camera {
    int width = 0, height = 0;
    double fx = 1, fy = 1, cx = 0, cy = 0;
    Lens lens;

    double fov_x_rad() const;  ///< of the pinhole part, centre column to both borders
    double fov_y_rad() const;
    friend bool operator==(const Camera&, const Camera&) = default;
};

/// A pinhole camera with square pixels and its centre in the middle.
/// @throws Error{internal} unless 0 < fov_x_rad < pi and the size is positive.
Camera pinhole_camera(int width, int height, double fov_x_rad);
/// The same camera for a picture of another size (a picture that was scaled, not cropped).
Camera scaled(const Camera& camera, int width, int height);

/// The unit direction in the camera's frame (y up, forward is -z) that is seen at a picture position. The undistortion
/// is a Newton iteration with the exact Jacobian that ends at 1e-12 of the focal length.
/// @return nothing where it does not converge or where the lens model folds over (no direction, or a false one, is seen
/// there). Outside the picture it extrapolates.
std::optional<Vec3d> direction_in_camera(const Camera& camera, PixelPosition at);

struct Projection {
    PixelPosition at;
    double depth = 0;  ///< along the optical axis, positive in front (fisheye: negative beyond 90 degrees)
};
/// Where a point of the camera's frame is seen; the inverse of direction_in_camera.
/// @return nothing behind a pinhole camera, at the eye itself, and beyond the fold of the lens model.
std::optional<Projection> project(const Camera& camera, Vec3d point_camera);
/// The same for a point of the world.
std::optional<Projection> project(const Camera& camera, const Pose& pose, Vec3d point_world);

struct Ray {
    Vec3d origin, direction;      ///< world; the direction has length 1
    double depth_per_length = 1;  ///< z-depth = t * depth_per_length for the point origin + t * direction
};
/// @return nothing as in direction_in_camera.
std::optional<Ray> ray_through(const Camera& camera, const Pose& pose, PixelPosition at);

/// Directions through all pixel centres, rows from the top: unit vectors of the camera's frame in float, and {0, 0, 0}
/// where the lens has no direction. Computed once for a camera, on the pool; the world's direction is
/// pose.rotate_to_world(…).
struct PixelDirections {
    int width = 0, height = 0;
    std::vector<Vec3f> directions;
    std::size_t without = 0;  ///< pixels without a direction
};
PixelDirections pixel_directions(const Camera& camera);

/// NeRF's normalised device coordinates of a ray of a forward-facing scene, near plane at depth `near`: the frustum
/// becomes the cube [-1, 1]^3, and t in 0..1 of the new ray runs from the near plane to infinity. The direction is not
/// normalised. The camera's frame is the one of the scene (camera at 0, looking along -z).
/// @throws Error{internal} unless direction.z < 0. Ref: Mildenhall et al. 2020, appendix C.
struct NdcRay {
    Vec3d origin, direction;
};
NdcRay ndc_ray(const Camera& camera, Vec3d origin, Vec3d direction, double near = 1.0);
/// The point of the scene at a point of the NDC cube, and back. z = 1 is infinitely far away.
Vec3d point_from_ndc(const Camera& camera, Vec3d ndc, double near = 1.0);
Vec3d ndc_from_point(const Camera& camera, Vec3d point, double near = 1.0);

}  // namespace nir::geom
