// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/scan_simulator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace nir::data {
namespace {

GeneratedShape shape_of(SolidPtr solid, std::size_t n, std::uint64_t seed) {
    GeneratedShape s;
    s.family = "test";
    s.solid = std::move(solid);
    Rng rng(seed);
    s.surface = sample_surface(*s.solid, 0.95f, n, rng, &s.area);
    for (const auto& p : s.surface) s.box.extend(p);
    return s;
}

ScanOptions plain(std::size_t n) {
    return {.min_points = n,
            .max_points = n,
            .noise_free_share = 1,
            .views_share = 0,
            .uneven_share = 0,
            .missing_share = 0,
            .outlier_share = 0};
}

TEST(SimulateScan, TakesAsManyPointsAsAsked) {
    const GeneratedShape ball = shape_of(sphere(0.5f), 20000, 1);
    for (const std::size_t n : {300u, 3000u, 20000u}) {
        Rng rng(n);
        const SimulatedScan scan = simulate_scan(ball, plain(n), rng);
        // min_points * (max / min)^u in double may land one below.
        EXPECT_NEAR(static_cast<double>(scan.points.size()), static_cast<double>(n), 1.0);
        EXPECT_NEAR(scan.spacing, std::sqrt(std::numbers::pi / static_cast<double>(n)), 0.03 * scan.spacing);
        EXPECT_EQ(scan.noise, 0.0f);
        for (const auto& p : scan.points) ASSERT_NEAR(norm(p), 0.5f, 1e-4);
    }
}

TEST(SimulateScan, NoiseHasTheDeviationItSays) {
    const GeneratedShape ball = shape_of(sphere(0.5f), 8000, 2);
    ScanOptions options = plain(8000);
    options.noise_free_share = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        Rng rng(seed);
        const SimulatedScan scan = simulate_scan(ball, options, rng);
        ASSERT_GT(scan.noise, 0.0f);
        EXPECT_LE(scan.noise, 0.6001f * scan.spacing);
        double sum = 0;
        for (const auto& p : scan.points) sum += std::pow(norm(p) - 0.5, 2);
        // The radial part of isotropic noise has the deviation of one coordinate (curvature adds less than 1 %).
        EXPECT_NEAR(std::sqrt(sum / static_cast<double>(scan.points.size())), scan.noise, 0.04 * scan.noise);
    }
}

TEST(SimulateScan, CamerasSeeNoHiddenPoints) {
    // A small ball inside a closed shell can never be seen from outside.
    const SolidPtr nested = unite({sphere(0.15f), shell(sphere(0.45f), 0.02f)});
    const GeneratedShape shape = shape_of(nested, 8000, 3);
    const auto hidden = [](const Vec3f& p) { return norm(p) < 0.4f; };
    ASSERT_GT(std::ranges::count_if(shape.surface, hidden), 200);
    ScanOptions options = plain(300);
    options.max_points = 4000;
    options.views_share = 1;
    bool any = false;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        Rng rng(seed);
        const SimulatedScan scan = simulate_scan(shape, options, rng);
        any |= scan.from_views;
        if (!scan.from_views) continue;
        for (const auto& p : scan.points) ASSERT_GT(norm(p), 0.44f);  // the outer side of the shell only
    }
    EXPECT_TRUE(any);
}

TEST(SimulateScan, OutliersStayFewAndNear) {
    const GeneratedShape ball = shape_of(sphere(0.5f), 3000, 4);
    ScanOptions options = plain(2000);
    options.outlier_share = 1;
    Rng rng(9);
    const SimulatedScan scan = simulate_scan(ball, options, rng);
    const auto stray = std::ranges::count_if(scan.points, [](Vec3f p) { return std::abs(norm(p) - 0.5f) > 1e-3f; });
    EXPECT_LE(stray, 30);
    for (const auto& p : scan.points)
        for (int a = 0; a < 3; ++a) ASSERT_LE(std::abs(p[a]), 0.551f);
}

TEST(SimulateScan, SameSeedSameBits) {
    const GeneratedShape ball = shape_of(sphere(0.5f), 3000, 5);
    Rng a(7), b(7);
    const SimulatedScan x = simulate_scan(ball, {}, a), y = simulate_scan(ball, {}, b);
    ASSERT_EQ(x.points.size(), y.points.size());
    EXPECT_EQ(std::memcmp(x.points.data(), y.points.data(), x.points.size() * sizeof(Vec3f)), 0);
}

}  // namespace
}  // namespace nir::data
