// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The conventions of other programs, both ways (docs/formats/frames.md). Matrices are row by row.
#pragma once

#include "nir/geom/camera.h"

#include <array>
#include <span>

namespace nir::io {

using Matrix3 = std::array<double, 9>;
using Matrix34 = std::array<double, 12>;  ///< three rows of four
using Matrix4 = std::array<double, 16>;

/// NeRF, Blender, OpenGL: camera-to-world, x right, y up, looks along -z; the columns are nir's own axes. The last row,
/// where there is one, must be 0 0 0 1. @throws Error format if the upper left 3x3 part is no rotation (a defect up to
/// 1e-3 is rounding and is removed), or a number is not finite.
geom::Pose pose_from_opengl(std::span<const double> rows);
Matrix4 opengl_from_pose(const geom::Pose& pose);

/// OpenCV, instant-ngp: camera-to-world, x right, y down, looks along +z.
geom::Pose pose_from_opencv(std::span<const double> rows);
Matrix4 opencv_from_pose(const geom::Pose& pose);

/// COLMAP: world-to-camera, p_camera = R(q) p_world + t with OpenCV's axes; the quaternion is (w, x, y, z).
struct ColmapPose {
    std::array<double, 4> qvec{1, 0, 0, 0};
    std::array<double, 3> tvec{};
};
/// The quaternion need not have length 1. @throws Error format if it is 0 or a number is not finite.
geom::Pose pose_from_colmap(const ColmapPose& pose);
/// The quaternion has length 1 and w >= 0.
ColmapPose colmap_from_pose(const geom::Pose& pose);

/// LLFF: columns down, right, back and the position.
geom::Pose pose_from_llff(const Matrix34& rows);
Matrix34 llff_from_pose(const geom::Pose& pose);

/// instant-ngp's unit cube: OpenCV axes, p_ngp = cycle(scale * p + offset) with (x, y, z)_ngp = (y, z, x).
struct NgpWorld {
    double scale = 0.33;
    geom::Vec3d offset{0.5, 0.5, 0.5};

    geom::Vec3d ngp_from_world(geom::Vec3d p) const;
    geom::Vec3d world_from_ngp(geom::Vec3d p) const;
    Matrix34 ngp_from_pose(const geom::Pose& pose) const;
    geom::Pose pose_from_ngp(const Matrix34& rows) const;
};

/// IDR, NeuS and DTU: world_mat = K [R | t] projects homogeneous world points to pixels whose centres are at whole
/// numbers (OpenCV). @throws Error format if the matrix is no finite projection of a camera.
struct ProjectionParts {
    geom::Pose pose;
    double fx = 1, fy = 1, cx = 0, cy = 0, skew = 0;  ///< as in the matrix; nir's centre is cx + 0.5, cy + 0.5
};
ProjectionParts decompose_projection(const Matrix34& projection);
Matrix34 projection_from_camera(const geom::Camera& camera, const geom::Pose& pose);

/// Differentiable Volumetric Rendering: camera_mat * world_mat projects to [-1, 1]^2, camera axes of OpenCV, and
/// -1 and 1 are the centres of the border pixels if `centres`, the outer borders of the picture otherwise.
struct DvrMatrices {
    Matrix4 camera_mat{}, world_mat{};
};
DvrMatrices dvr_from_camera(const geom::Camera& camera, const geom::Pose& pose, bool centres = false);
struct PosedCamera {
    geom::Camera camera;
    geom::Pose pose;
};
PosedCamera camera_from_dvr(const DvrMatrices& matrices, int width, int height, bool centres = false);

}  // namespace nir::io
