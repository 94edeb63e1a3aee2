// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/camera.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"

#include <gtest/gtest.h>

#include <numbers>

namespace nir::geom {
namespace {

Camera fox() {
    Camera c;
    c.width = 270, c.height = 480;
    c.fx = 343.88, c.fy = 343.6225, c.cx = 138.6395, c.cy = 241.317;
    c.lens.model = LensModel::opencv;
    c.lens.k = {0.0578421, -0.0805099, 0, 0};
    c.lens.p1 = -0.000980296, c.lens.p2 = 0.00015575;
    return c;
}

Pose random_pose(Rng& rng) {
    const auto v = [&rng] { return Vec3d{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)}; };
    return look_at(v() * 5, v(), v());
}

TEST(Camera, LooksAtItsTarget) {
    const Pose pose = look_at({3, 2, 1}, {0, 0.5, 0});
    EXPECT_LT(rotation_defect(pose), 1e-14);
    const auto p = project(pinhole_camera(200, 100, 0.7), pose, {0, 0.5, 0});
    ASSERT_TRUE(p);
    EXPECT_NEAR(p->at.x, 100, 1e-10);
    EXPECT_NEAR(p->at.y, 50, 1e-10);
    EXPECT_NEAR(p->depth, norm(Vec3d{3, 1.5, 1}), 1e-12);
    // Up in the world is up in the picture: smaller y.
    EXPECT_LT(project(pinhole_camera(200, 100, 0.7), pose, {0, 0.6, 0})->at.y, 50);
    EXPECT_LT(rotation_defect(look_at({0, 2, 0}, {})), 1e-14);  // along up
}

TEST(Camera, PinholeRaysHaveClosedForm) {
    const Camera c = pinhole_camera(200, 200, 0.6911112070083618);
    EXPECT_NEAR(c.fx, 277.77775779844205, 1e-9);  // what the scene's file says
    const auto d = direction_in_camera(c, {0.5, 0.5});
    ASSERT_TRUE(d);
    const Vec3d want = normalized(Vec3d{(0.5 - 100) / c.fx, -(0.5 - 100) / c.fx, -1});
    EXPECT_LT(norm(*d - want), 1e-15);
    EXPECT_NEAR(c.fov_x_rad(), 0.6911112070083618, 1e-15);
    const auto ray = ray_through(c, look_at({0, 0, 4}, {}), {30.5, 60.5});
    EXPECT_NEAR((ray->origin + ray->direction * (4 / ray->depth_per_length)).z, 0.0, 1e-14);
}

TEST(Camera, ProjectionUndoesDirectionForEveryLens) {
    Rng rng(7);
    std::vector<Camera> cameras = {pinhole_camera(320, 200, 1.2), fox()};
    Camera rational = fox();
    rational.lens.k = {-0.3, 0.12, -0.02, 0.001}, rational.lens.d = {0.1, -0.02, 0.003};
    cameras.push_back(rational);
    Camera fisheye = fox();
    fisheye.lens = {LensModel::opencv_fisheye, {-0.02, 0.002, 0, 0}, 0, 0, {}};
    fisheye.fx = fisheye.fy = 90;  // corners at about 150 degrees from each other
    cameras.push_back(fisheye);
    for (const Camera& c : cameras)
        for (int i = 0; i < 2000; ++i) {
            const PixelPosition at{rng.uniform(0, c.width), rng.uniform(0, c.height)};
            const auto d = direction_in_camera(c, at);
            ASSERT_TRUE(d) << name_of(c.lens.model) << " " << at.x << " " << at.y;
            EXPECT_NEAR(norm(*d), 1, 1e-14);
            const auto back = project(c, *d * rng.uniform(0.1, 100));
            ASSERT_TRUE(back);
            EXPECT_NEAR(back->at.x, at.x, 1e-8);
            EXPECT_NEAR(back->at.y, at.y, 1e-8);
        }
}

TEST(Camera, DistortionFollowsTheFormulaOfOpenCv) {
    // Values of the formula worked out by hand for x = 0.3, y = -0.2 (y down), r² = 0.13.
    Camera c;
    c.width = c.height = 100, c.fx = c.fy = 1, c.cx = c.cy = 0;
    c.lens.model = LensModel::opencv;
    c.lens.k = {0.1, 0.01, 0, 0}, c.lens.p1 = 0.02, c.lens.p2 = -0.03;
    const auto p = project(c, {0.3, 0.2, -1});
    ASSERT_TRUE(p);
    const double s = 1 + 0.1 * 0.13 + 0.01 * 0.13 * 0.13;
    EXPECT_NEAR(p->at.x, 0.3 * s + 2 * 0.02 * 0.3 * -0.2 - 0.03 * (0.13 + 2 * 0.09), 1e-15);
    EXPECT_NEAR(p->at.y, -0.2 * s + 0.02 * (0.13 + 2 * 0.04) + 2 * -0.03 * 0.3 * -0.2, 1e-15);
    c.lens = {LensModel::opencv_fisheye, {0.1, 0, 0, 0}, 0, 0, {}};
    const double theta = std::atan2(std::hypot(0.3, 0.2), 1);
    EXPECT_NEAR(project(c, {0.3, 0.2, -1})->at.x, 0.3 / std::hypot(0.3, 0.2) * theta * (1 + 0.1 * theta * theta),
                1e-15);
}

TEST(Camera, FoldsOfALensAreNoDirections) {
    // Barrel distortion x (1 - 0.5 r²) reaches at most 0.544 at r = 0.816: nothing is seen farther out.
    Camera c;
    c.width = c.height = 200, c.fx = c.fy = 100, c.cx = c.cy = 100;
    c.lens.model = LensModel::opencv;
    c.lens.k = {-0.5, 0, 0, 0};
    const double peak = std::sqrt(2.0 / 3.0), reach = peak * (1 - 0.5 * peak * peak);
    EXPECT_TRUE(direction_in_camera(c, {100 + 99.9 * reach, 100}));
    EXPECT_FALSE(direction_in_camera(c, {100 + 100.1 * reach, 100}));
    EXPECT_FALSE(direction_in_camera(c, {200, 200}));
    EXPECT_TRUE(project(c, {0.8, 0, -1}));
    EXPECT_FALSE(project(c, {1.2, 0, -1})) << "beyond the fold a point must not reappear in the picture";
    const PixelDirections all = pixel_directions(c);
    EXPECT_GT(all.without, 0u);
    std::size_t zero = 0;
    for (const Vec3f& d : all.directions) zero += d == Vec3f{} ? 1u : 0u;
    EXPECT_EQ(zero, all.without);
    EXPECT_EQ(pixel_directions(fox()).without, 0u);
}

TEST(Camera, FisheyeSeesBehindItself) {
    Camera c;
    c.width = c.height = 400, c.fx = c.fy = 100, c.cx = c.cy = 200;
    c.lens.model = LensModel::opencv_fisheye;
    const double angle = 100 * std::numbers::pi / 180;
    const auto p = project(c, {std::sin(angle), 0, -std::cos(angle)});
    ASSERT_TRUE(p);
    EXPECT_NEAR(p->at.x, 200 + 100 * angle, 1e-10);
    EXPECT_LT(p->depth, 0);
    EXPECT_NEAR(direction_in_camera(c, p->at)->z, -std::cos(angle), 1e-12);
    EXPECT_FALSE(direction_in_camera(c, {200 + 100 * 3.2, 200}));
    EXPECT_FALSE(project(pinhole_camera(10, 10, 1), {0, 0, 1}));
}

TEST(Camera, BadRotationsAreNamed) {
    Rng rng(3);
    Pose pose = random_pose(rng);
    pose.right += Vec3d{1e-4, -2e-4, 1e-4};
    EXPECT_GT(rotation_defect(pose), 1e-5);
    EXPECT_LT(rotation_defect(orthonormalized(pose)), 1e-14);
    pose.right = -pose.right;
    EXPECT_GE(rotation_defect(pose), 2);
    EXPECT_THROW((void)orthonormalized(pose), Error);
    pose.up = {};
    EXPECT_THROW((void)orthonormalized(pose), Error);
}

TEST(Camera, NdcRaysAreTheSceneSeenThroughTheFrustum) {
    const Camera c = pinhole_camera(400, 300, 0.9);
    Rng rng(5);
    for (int i = 0; i < 200; ++i) {
        const Vec3d o{rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2), rng.uniform(-0.1, 0.1)};
        const Vec3d d{rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3), -1};
        const NdcRay ray = ndc_ray(c, o, d, 1.5);
        EXPECT_NEAR(ray.origin.z, -1, 1e-12) << "starts at the near plane";
        EXPECT_NEAR(ray.origin.z + ray.direction.z, 1, 1e-12) << "ends at infinity";
        const double t = rng.uniform(0.05, 0.95);
        const Vec3d p = point_from_ndc(c, ray.origin + ray.direction * t, 1.5);
        EXPECT_LT(norm(cross(p - o, d)) / norm(p - o), 1e-9) << "the point lies on the ray";
        EXPECT_LT(norm(ndc_from_point(c, p, 1.5) - (ray.origin + ray.direction * t)), 1e-12);
    }
}

TEST(Camera, ScaledCamerasSeeTheSame) {
    const Camera c = fox(), half = scaled(c, 135, 240);
    const auto a = project(c, {0.2, 0.1, -1}), b = project(half, {0.2, 0.1, -1});
    EXPECT_NEAR(a->at.x, 2 * b->at.x, 1e-12);
    EXPECT_NEAR(a->at.y, 2 * b->at.y, 1e-12);
}

}  // namespace
}  // namespace nir::geom
