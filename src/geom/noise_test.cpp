// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/noise.h"

#include "nir/base/rng.h"
#include "nir/geom/spacing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

TEST(QuadricResidual, IsZeroOnAQuadricInAnyFrame) {
    Rng rng(1);
    std::vector<Vec3d> points;
    const Vec3d x{0.6, 0.8, 0}, y{-0.8 * 0.6, 0.6 * 0.6, 0.8}, z = cross(x, y);
    for (int i = 0; i < 16; ++i) {
        const double u = rng.uniform(-1, 1), v = rng.uniform(-1, 1);
        points.push_back(Vec3d{1e3, -50, 7} + x * u + y * v);
    }
    EXPECT_LT(quadric_residual(points), 1e-9);
    EXPECT_EQ(quadric_residual(std::span(points).first(7)), 0);
    EXPECT_EQ(quadric_residual(std::vector<Vec3d>(16, Vec3d{1, 2, 3})), 0);
    // The same with a bend: the principal axes turn a little, so not exactly zero.
    for (auto& p : points) p += z * (0.05 * dot(p, x) * dot(p, x));
    EXPECT_LT(quadric_residual(std::span(points).first(16)), 0.05);
}

/// A sphere of radius 1 with noise of this size along the normal.
std::vector<Vec3d> noisy_sphere(std::size_t n, double noise, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Vec3d> points;
    for (std::size_t i = 0; i < n; ++i) {
        const Vec3d d = normalized(Vec3d{rng.normal(), rng.normal(), rng.normal()});
        points.push_back(d * (1 + noise * rng.normal()));
    }
    return points;
}

TEST(EstimateNoise, FindsTheNoiseOfASphereAtEveryDensity) {
    for (const std::size_t n : {1000u, 10000u})
        for (const double share : {0.0, 0.05, 0.2, 0.5}) {  // of the spacing
            const double spacing = std::sqrt(4 * std::numbers::pi / static_cast<double>(n));
            const double found = estimate_spacing(noisy_sphere(n, share * spacing, n)).noise;
            EXPECT_NEAR(found, share * spacing, 0.1 * share * spacing + 0.02 * spacing) << n << " " << share;
        }
    EXPECT_EQ(estimate_spacing(noisy_sphere(6, 0.1, 1)).noise, 0);
}

}  // namespace
}  // namespace nir::geom
