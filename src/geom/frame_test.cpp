// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/frame.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/geom/sampling.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <limits>

namespace nir::geom {
namespace {

TEST(Frame, LongestSideBecomesOneAroundZero) {
    const Frame f = fit_frame(Box3d{{2, 3, 4}, {6, 5, 5}});
    EXPECT_EQ(f.unit_from_user({4, 4, 4.5}), (Vec3d{0, 0, 0}));
    EXPECT_EQ(f.unit_from_user({6, 5, 5}), (Vec3d{0.5, 0.25, 0.125}));
    EXPECT_EQ(f.user_from_unit({-0.5, 0, 0}), (Vec3d{2, 4, 4.5}));
    EXPECT_DOUBLE_EQ(fit_frame(Box3d{{2, 3, 4}, {6, 5, 5}}, 2.0).unit_from_user({6, 4, 4.5}).x, 1.0);
}

TEST(Frame, GeoReferencedMillimetresSurviveFloatsInTheUnitFrame) {
    const Vec3d offset{4512345.678, 5234567.891, 431.5};
    Rng rng(1);
    std::vector<Vec3d> points(2000);
    for (auto& p : points) p = offset + Vec3d{rng.uniform(0, 20), rng.uniform(0, 10), rng.uniform(0, 5)};
    const Frame frame = fit_frame(points);
    const auto back = user_from_unit(frame, unit_from_user(frame, points));
    double worst = 0.0;
    for (std::size_t i = 0; i < points.size(); ++i) worst = std::max(worst, norm(back[i] - points[i]));
    EXPECT_LT(worst, 2e-6);  // float in the unit frame: 20 m * 6e-8
    EXPECT_GT(std::abs(static_cast<double>(4512345.678f) - 4512345.678),
              0.01);  // floats in the user frame would lose this
}

TEST(Frame, TenFarOutliersDoNotChangeIt) {
    Rng rng(2);
    auto points = sample_surface(testing::make_sphere(0.5, 30, {3, 4, 5}), 3000, rng).points;
    const Frame clean = fit_frame(points);
    for (int i = 0; i < 10; ++i)
        points.push_back({rng.uniform(-900, 900), rng.uniform(-900, 900), rng.uniform(500, 900)});
    points.push_back({std::numeric_limits<double>::quiet_NaN(), 0, 0});
    const Frame frame = fit_frame(points);
    EXPECT_EQ(frame.scale, clean.scale);
    EXPECT_EQ(frame.center_user, clean.center_user);
}

TEST(Frame, MeshesCloudsAndBoxesMoveBothWays) {
    const Frame frame{{10, 20, 30}, 4.0};
    auto mesh = testing::make_sphere(0.5, 10);
    mesh.normals.assign(mesh.vertices.size(), Vec3f{0, 0, 1});
    const auto before = mesh.vertices;
    to_user(frame, mesh);
    EXPECT_EQ(bounds(mesh.vertices).hi.z, 32.0);
    EXPECT_EQ(mesh.normals[3], (Vec3f{0, 0, 1}));
    to_unit(frame, mesh);
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_LT(norm(before[i] - mesh.vertices[i]), 1e-14);
    PointCloud cloud{{{0, 0, 0}}, {}, {}, {{0, 0, 1}}};
    to_user(frame, cloud);
    EXPECT_EQ(cloud.sensors[0], (Vec3d{10, 20, 34}));
    to_unit(frame, cloud);
    EXPECT_EQ(cloud.sensors[0], (Vec3d{0, 0, 1}));
    EXPECT_EQ(user_from_unit(frame, Box3d{{-1, -1, -1}, {1, 1, 1}}).lo, (Vec3d{6, 16, 26}));
}

TEST(Frame, ComposeAndInverse) {
    const Frame a{{1, 2, 3}, 2.0}, b{{-4, 0, 1}, 0.5};
    const Vec3d p{0.3, -0.2, 0.7};
    EXPECT_LT(norm(compose(a, b).user_from_unit(p) - a.user_from_unit(b.user_from_unit(p))), 1e-14);
    EXPECT_LT(norm(inverse(a).user_from_unit(a.user_from_unit(p)) - p), 1e-14);
}

TEST(Frame, DegenerateBoxes) {
    EXPECT_EQ(fit_frame(Box3d{{1, 1, 1}, {1, 1, 1}}).scale, 1.0);
    EXPECT_THROW(fit_frame(Box3d{}), Error);
    EXPECT_THROW(fit_frame(std::span<const Vec3d>{}), Error);
}

}  // namespace
}  // namespace nir::geom
