// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/spacing.h"

#include "nir/base/rng.h"
#include "nir/geom/sampling.h"

#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<Vec3d> sphere_points(std::size_t n, double radius = 0.5, Vec3d center = {}, std::uint64_t seed = 1) {
    Rng rng(seed);
    return sample_surface(testing::make_sphere(radius, 60, center), n, rng).points;
}

TEST(Spacing, RandomPointsOnASphere) {
    const std::size_t n = 5000;
    const auto e = estimate_spacing(sphere_points(n));
    const double area = M_PI, side = std::sqrt(area / static_cast<double>(n));
    EXPECT_NEAR(e.surface, side, 0.03 * side);
    EXPECT_NEAR(e.area, area, 0.06 * area);
    // Uniform random points on a plane: P(d > r) = exp(-pi r^2 / side^2).
    EXPECT_NEAR(e.nearest, side * std::sqrt(std::log(2.0) / M_PI), 0.04 * side);
    EXPECT_NEAR(e.nearest_p10, side * std::sqrt(-std::log(0.9) / M_PI), 0.04 * side);
    EXPECT_NEAR(e.nearest_p90, side * std::sqrt(-std::log(0.1) / M_PI), 0.06 * side);
}

TEST(Spacing, RegularGridHasOneSpacing) {
    std::vector<Vec3d> grid;
    for (int i = 0; i < 80; ++i)
        for (int j = 0; j < 80; ++j) grid.push_back({0.1 * i, 0.1 * j, 0.02 * std::sin(0.3 * i)});
    const auto e = estimate_spacing(grid);
    EXPECT_NEAR(e.nearest, 0.1, 1e-3);
    EXPECT_NEAR(e.surface, 0.1, 0.01);
}

TEST(Spacing, OctavesAgreeOnTheAreaOfASphere) {
    const auto e = estimate_spacing(sphere_points(100000));
    std::size_t used = 0;
    for (const auto& o : e.octaves)
        if (o.cell < 0.1 && o.points_per_cell > 8.0) {
            EXPECT_NEAR(o.area, M_PI, 0.12 * M_PI) << "cell " << o.cell;
            ++used;
        }
    EXPECT_GE(used, 2u);
}

TEST(Spacing, FollowsTheScale) {
    auto points = sphere_points(2000);
    const auto e = estimate_spacing(points);
    for (auto& p : points) p = Vec3d{4.5e6, 5.2e6, 1e3} + p * 100.0;
    const auto f = estimate_spacing(points);
    EXPECT_NEAR(f.nearest, 100.0 * e.nearest, 1e-5);
    EXPECT_NEAR(f.area, 1e4 * e.area, 1.0);
    EXPECT_EQ(estimate_spacing({}).nearest, 0.0);
    EXPECT_EQ(estimate_spacing(std::vector<Vec3d>{{1, 2, 3}}).nearest, 0.0);
}

TEST(UniquePoints, FirstOfEachStays) {
    const std::vector<Vec3d> p = {{1, 0, 0}, {0, 0, 0}, {1, 0, 0}, {kNan, 0, 0}, {0, 0, 0}, {0, 0, 1e-300}};
    EXPECT_EQ(unique_points(p), (std::vector<std::uint32_t>{0, 1, 5}));
}

TEST(InspectScan, CleanScanHasNoFindings) {
    const auto r = inspect_scan(sphere_points(3000));
    for (const auto& f : r.findings) ADD_FAILURE() << f.text;
    EXPECT_EQ(r.kept.size(), 3000u);
    EXPECT_NEAR(r.spread[2], 0.5 / std::sqrt(3.0), 0.01);
    EXPECT_NEAR(r.robust_box.longest_side(), 1.0, 0.02);
}

TEST(InspectScan, NoisyUnevenScansKeepTheirPoints) {
    Rng rng(5);
    auto points = sphere_points(3000);
    for (auto& p : points) p += Vec3d{rng.normal(), rng.normal(), rng.normal()} * 0.005;
    EXPECT_TRUE(inspect_scan(points).outliers.empty());
    // A floor as seen by a scanner at height 1: density falls with the cube of the distance.
    std::vector<Vec3d> floor;
    for (int i = 0; i < 20000; ++i) {
        const double elevation = rng.uniform(0.03, 1.5), turn = rng.uniform(0, 2 * M_PI), r = 1.0 / std::tan(elevation);
        floor.push_back({r * std::cos(turn), r * std::sin(turn), 0.02 * rng.normal()});
    }
    const auto report = inspect_scan(floor);
    EXPECT_EQ(report.find(ScanProblem::mixed_scales), nullptr);
    EXPECT_LT(report.outliers.size(), 20u);
}

TEST(InspectScan, TenFarOutliersAreFoundSingleOrTogether) {
    for (const double spread : {500.0, 0.01}) {
        Rng rng(3);
        auto points = sphere_points(3000);
        for (int i = 0; i < 10; ++i)
            points.push_back(Vec3d{800, 0, 0} +
                             Vec3d{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)} * spread);
        const auto r = inspect_scan(points);
        ASSERT_EQ(r.outliers.size(), 10u);
        EXPECT_EQ(r.outliers.front(), 3000u);
        EXPECT_EQ(r.kept.size(), 3000u);
        EXPECT_LT(r.robust_box.longest_side(), 1.01);
        ASSERT_NE(r.find(ScanProblem::outliers), nullptr);
        EXPECT_THAT(r.find(ScanProblem::outliers)->text, ::testing::StartsWith("10 of 3010 points lie far away"));
        EXPECT_EQ(r.error(), nullptr);
    }
    auto points = sphere_points(3000);
    points.push_back({1e15, 0, 0});  // one slip of a unit
    EXPECT_EQ(inspect_scan(points).outliers, (std::vector<std::uint32_t>{3000}));
}

TEST(InspectScan, TwoScansInDifferentUnits) {
    for (const double factor : {1000.0, 25.4}) {
        auto points = sphere_points(2000);
        for (const auto& p : sphere_points(1500, 0.5, {0.3, 0, 0}, 9)) points.push_back(p * factor);
        const auto r = inspect_scan(points);
        ASSERT_NE(r.find(ScanProblem::mixed_scales), nullptr) << factor;
        EXPECT_EQ(r.find(ScanProblem::mixed_scales)->severity, Severity::warning);
        EXPECT_THAT(r.find(ScanProblem::mixed_scales)->text, ::testing::HasSubstr("different units"));
        EXPECT_TRUE(r.outliers.empty());
    }
}

TEST(InspectScan, TwoScansFarApart) {
    auto points = sphere_points(2000);
    for (const auto& p : sphere_points(1500, 0.5, {4.5e6, 5.2e6, 0}, 9)) points.push_back(p);
    const auto r = inspect_scan(points);
    ASSERT_NE(r.find(ScanProblem::far_apart), nullptr);
    EXPECT_THAT(r.find(ScanProblem::far_apart)->text, ::testing::HasSubstr("2000 and 1500 points"));
    EXPECT_EQ(r.kept.size(), 3500u);
}

TEST(InspectScan, DegenerateClouds) {
    EXPECT_EQ(inspect_scan({}).error()->problem, ScanProblem::empty);
    const std::vector<Vec3d> nans(3, Vec3d{kNan, 0, 0});
    EXPECT_EQ(inspect_scan(nans).error()->text, "none of the 3 points is finite");
    const std::vector<Vec3d> one = {{1, 2, 3}}, same(100, Vec3d{1, 2, 3});
    EXPECT_EQ(inspect_scan(one).error()->text, "the scan is a single point");
    EXPECT_EQ(inspect_scan(same).error()->text, "all 100 points are at the same place");

    Rng rng(4);
    const Vec3d offset{4.5e5, 5.2e5, 10}, u = normalized(Vec3d{1, 2, 3}), v = normalized(Vec3d{2, -1, 0.5});
    std::vector<Vec3d> line, plane, slab;
    for (int i = 0; i < 500; ++i) {
        const double a = rng.uniform(), b = rng.uniform();
        line.push_back(offset + u * a);
        plane.push_back(offset + u * a + v * b);
        slab.push_back(plane.back() + cross(u, v) * (0.002 * rng.normal()));
    }
    EXPECT_EQ(inspect_scan(line).error()->problem, ScanProblem::collinear);
    EXPECT_EQ(inspect_scan(plane).error()->problem, ScanProblem::coplanar);
    EXPECT_EQ(inspect_scan(slab).error(), nullptr);
    EXPECT_NE(inspect_scan(slab).find(ScanProblem::thin), nullptr);
    EXPECT_NE(inspect_scan(slab).find(ScanProblem::offset), nullptr);
    const std::vector<Vec3d> two = {{0, 0, 0}, {1, 0, 0}}, three = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}};
    EXPECT_EQ(inspect_scan(two).error()->problem, ScanProblem::collinear);
    EXPECT_EQ(inspect_scan(three).error()->problem, ScanProblem::coplanar);
    EXPECT_NE(inspect_scan(three).find(ScanProblem::few_points), nullptr);
}

TEST(InspectScan, CountsBadAndRepeatedPoints) {
    auto points = sphere_points(500);
    points.push_back(points[3]);
    points.push_back({0, kNan, 0});
    points.push_back({0, 1e300, 0});
    const auto r = inspect_scan(points);
    EXPECT_EQ(r.duplicates, 1u);
    EXPECT_EQ(r.finite, 501u);
    EXPECT_EQ(r.kept.size(), 500u);
    EXPECT_THAT(r.find(ScanProblem::non_finite)->text, ::testing::StartsWith("2 of 503 points"));
    EXPECT_NE(r.find(ScanProblem::duplicates), nullptr);
}

}  // namespace
}  // namespace nir::geom
