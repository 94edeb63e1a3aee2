// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/camera_frames.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"

#include <gtest/gtest.h>

namespace nir::io {
namespace {

using geom::Camera;
using geom::Pose;
using geom::Vec3d;

Vec3d random_vector(Rng& rng, double size = 1) {
    return Vec3d{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)} * size;
}
double difference(const Pose& a, const Pose& b) {
    return norm(a.right - b.right) + norm(a.up - b.up) + norm(a.back - b.back) + norm(a.position - b.position);
}
Camera some_camera() {
    Camera c;
    c.width = 320, c.height = 240, c.fx = 300, c.fy = 310, c.cx = 150, c.cy = 130;
    return c;
}

TEST(CameraFrames, EveryConventionGoesThereAndBack) {
    Rng rng(11);
    for (int i = 0; i < 200; ++i) {
        const Pose pose = geom::look_at(random_vector(rng, 4), random_vector(rng), random_vector(rng));
        EXPECT_LT(difference(pose_from_opengl(opengl_from_pose(pose)), pose), 1e-13);
        EXPECT_LT(difference(pose_from_opencv(opencv_from_pose(pose)), pose), 1e-13);
        EXPECT_LT(difference(pose_from_colmap(colmap_from_pose(pose)), pose), 1e-12);
        EXPECT_LT(difference(pose_from_llff(llff_from_pose(pose)), pose), 1e-13);
        const NgpWorld ngp{0.25, {0.4, 0.5, 0.6}};
        EXPECT_LT(difference(ngp.pose_from_ngp(ngp.ngp_from_pose(pose)), pose), 1e-12);
        const Camera c = some_camera();
        Matrix34 p = projection_from_camera(c, pose);
        for (double& v : p) v *= -3.5;  // any factor, either sign
        const ProjectionParts parts = decompose_projection(p);
        EXPECT_LT(difference(parts.pose, pose), 1e-11);
        EXPECT_NEAR(parts.fx, c.fx, 1e-9);
        EXPECT_NEAR(parts.fy, c.fy, 1e-9);
        EXPECT_NEAR(parts.cx + 0.5, c.cx, 1e-9);
        EXPECT_NEAR(parts.cy + 0.5, c.cy, 1e-9);
        EXPECT_NEAR(parts.skew, 0, 1e-9);
        for (const bool centres : {false, true}) {
            const PosedCamera back = camera_from_dvr(dvr_from_camera(c, pose, centres), c.width, c.height, centres);
            EXPECT_LT(difference(back.pose, pose), 1e-11);
            EXPECT_NEAR(back.camera.fx, c.fx, 1e-9);
            EXPECT_NEAR(back.camera.cy, c.cy, 1e-9);
        }
    }
}

TEST(CameraFrames, ColmapIsWorldToCameraWithWFirst) {
    // COLMAP's identity: at the origin, looking along +z, y down.
    const Pose identity = pose_from_colmap({});
    EXPECT_EQ(identity.right, (Vec3d{1, 0, 0}));
    EXPECT_LT(norm(identity.up - Vec3d{0, -1, 0}), 1e-15);
    EXPECT_LT(norm(identity.forward() - Vec3d{0, 0, 1}), 1e-15);
    // A quarter turn about z, (w, x, y, z) = (c, 0, 0, s): R maps x to y. Centre = -R^T t.
    const double s = std::sqrt(0.5);
    const Pose turned = pose_from_colmap({{s, 0, 0, s}, {1, 2, 3}});
    EXPECT_LT(norm(turned.position - Vec3d{-2, 1, -3}), 1e-14);
    // The projection of a point by COLMAP's own formula.
    const Vec3d p{0.3, -0.4, 5}, seen{-p.y + 1, p.x + 2, p.z + 3};
    const auto at = geom::project(some_camera(), turned, p);
    ASSERT_TRUE(at);
    EXPECT_NEAR(at->at.x, 300 * seen.x / seen.z + 150, 1e-10);
    EXPECT_NEAR(at->at.y, 310 * seen.y / seen.z + 130, 1e-10);
    EXPECT_NEAR(at->depth, seen.z, 1e-12);
}

TEST(CameraFrames, ProjectionMatricesCountPixelsFromTheirCentres) {
    Rng rng(2);
    const Pose pose = geom::look_at({3, 1, 2}, {});
    const Matrix34 m = projection_from_camera(some_camera(), pose);
    const Vec3d p{0.1, -0.2, 0.3};
    const auto row = [&](std::size_t r) {
        return m[4 * r] * p.x + m[4 * r + 1] * p.y + m[4 * r + 2] * p.z + m[4 * r + 3];
    };
    const auto at = geom::project(some_camera(), pose, p);
    EXPECT_NEAR(row(0) / row(2) + 0.5, at->at.x, 1e-10);
    EXPECT_NEAR(row(1) / row(2) + 0.5, at->at.y, 1e-10);
}

TEST(CameraFrames, NgpCyclesTheAxes) {
    const NgpWorld ngp;
    EXPECT_EQ(ngp.ngp_from_world({1, 2, 3}), (Vec3d{2 * 0.33 + 0.5, 3 * 0.33 + 0.5, 0.33 + 0.5}));
    EXPECT_LT(norm(ngp.world_from_ngp(ngp.ngp_from_world({1, 2, 3})) - Vec3d{1, 2, 3}), 1e-14);
}

std::string message_of(const Matrix4& m) {
    try {
        (void)pose_from_opengl(m);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST(CameraFrames, NoRotationsAreRefused) {
    Matrix4 m = opengl_from_pose(geom::look_at({1, 2, 3}, {}));
    EXPECT_EQ(message_of(m), "");
    Matrix4 mirrored = m;
    for (std::size_t r = 0; r < 3; ++r) mirrored[4 * r + 1] *= -1;
    EXPECT_NE(message_of(mirrored).find("mirrored"), std::string::npos);
    Matrix4 large = m;
    for (std::size_t i = 0; i < 11; ++i) large[i] *= 2;
    EXPECT_NE(message_of(large).find("no rotation"), std::string::npos);
    Matrix4 nan = m;
    nan[3] = std::nan("");
    EXPECT_NE(message_of(nan).find("not finite"), std::string::npos);
    Matrix4 last = m;
    last[12] = 0.1;
    EXPECT_NE(message_of(last).find("last row"), std::string::npos);
    EXPECT_THROW((void)pose_from_colmap({{0, 0, 0, 0}, {}}), Error);
    EXPECT_THROW((void)decompose_projection({}), Error);
}

}  // namespace
}  // namespace nir::io
