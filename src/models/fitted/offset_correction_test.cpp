// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/fitted/offset_correction.h"

#include "nir/base/rng.h"

#include "models/fitted/fitted_field.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::models {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr float kBig = 0.5f, kSmall = 0.1f;

/// Signed distance to a torus, positive inside.
float torus(Vec3f p) { return kSmall - std::hypot(std::hypot(p.x, p.y) - kBig, p.z); }

class RoughTorus final : public CascadeField {
public:
    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        for (std::size_t i = 0; i < points.size(); ++i) out[i] = 50 * (torus(points[i]) + 0.01f);
    }
    geom::Box3f domain() const override { return {{-1, -1, -1}, {1, 1, 1}}; }
    int octaves() const override { return 1; }
    float finest_cell() const override { return 0.05f; }
    std::size_t memory_bytes() const override { return 0; }
};

std::vector<Vec3f> torus_points(std::size_t n, double noise, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Vec3f> points;
    while (points.size() < n) {
        const double a = rng.uniform(0, 6.2831853), b = rng.uniform(0, 6.2831853);
        const double ring = static_cast<double>(kBig) + static_cast<double>(kSmall) * std::cos(b);
        if (rng.uniform() * static_cast<double>(kBig + kSmall) > ring) continue;  // uniform by area
        const double r = static_cast<double>(kSmall) + noise * rng.normal();
        const double out = static_cast<double>(kBig) + r * std::cos(b);
        points.push_back(static_cast<Vec3f>(Vec3d{out * std::cos(a), out * std::sin(a), r * std::sin(b)}));
    }
    return points;
}

constexpr std::size_t kPoints = 6000;
double spacing() { return std::sqrt(4 * 9.8696 * static_cast<double>(kBig * kSmall) / kPoints); }

/// Mean |value| at true surface points that are not in the scan, as a distance.
double error_of(const CascadeField& field) {
    const auto on = torus_points(3000, 0, 99);
    std::vector<float> v(on.size());
    field.values(on, v);
    double sum = 0;
    for (const float x : v) sum += static_cast<double>(std::abs(x) / 50) / static_cast<double>(v.size());
    return sum;
}

TEST(OffsetCorrection, WhatTheFitLeavesOfCurvatureIsGivenBack) {
    const auto points = torus_points(kPoints, 0, 1);
    NoProgress quiet;
    const auto field = fit_surface(std::make_unique<RoughTorus>(), points, {.spacing = spacing(), .noise = 0}, quiet);
    const double before = error_of(*field);
    RefineOptions o;
    o.steps = 50;
    o.spacing = spacing();
    const RefineReport r = field->refine(points, o, quiet);
    EXPECT_GT(r.kept, 0);
    EXPECT_LT(r.held_out_after, 0.95 * r.held_out_before);  // the fit has given back the larger part already
    EXPECT_LT(error_of(*field), 0.95 * before);
}

TEST(OffsetCorrection, GradientIsThatOfTheValue) {
    const auto points = torus_points(800, 0, 6);
    OffsetCorrection c(points, {-1, -1, -1}, 0.04f);
    std::vector<float> wanted;
    for (const Vec3f& p : points) wanted.push_back(std::sin(9 * p.x) + p.z);
    for (const int scale : {0, 1, 2}) c.apply(scale, points, wanted, 0.1f);
    constexpr float kStep = 2e-3f;
    for (const Vec3f& p : torus_points(100, 0.02, 7)) {
        const Vec3f g = c.gradient(p);
        for (int a = 0; a < 3; ++a) {
            Vec3f up = p, down = p;
            up[a] += kStep, down[a] -= kStep;
            // Splines of second degree: the slope is continuous, its change over a step is not small.
            EXPECT_NEAR((c.value(up) - c.value(down)) / (2 * kStep), g[a], 0.05f * norm(g) + 0.3f);
        }
    }
}

TEST(OffsetCorrection, ScanWithinItsNoiseIsLeftAlone) {
    const double noise = 0.5 * spacing();
    const auto points = torus_points(kPoints, noise, 2);
    NoProgress quiet;
    const auto field =
        fit_surface(std::make_unique<RoughTorus>(), points, {.spacing = spacing(), .noise = noise}, quiet);
    std::vector<float> before(points.size()), after(points.size());
    field->values(points, before);
    RefineOptions o;
    o.steps = 50;
    o.spacing = spacing();
    o.noise = noise;
    const RefineReport r = field->refine(points, o, quiet);
    EXPECT_LE(r.held_out_after, r.held_out_before);
    field->values(points, after);
    if (r.kept == 0) {
        EXPECT_EQ(before, after);
    }
}

TEST(OffsetCorrection, UndoIsExact) {
    const auto points = torus_points(500, 0, 3);
    OffsetCorrection c(points, {-1, -1, -1}, 0.05f);
    std::vector<float> wanted(points.size(), 1.0f);
    EXPECT_EQ(c.value(points[0]), 0);
    c.apply(0, points, wanted, 0.1f);
    const float once = c.value(points[0]);
    EXPECT_GT(once, 0.5f);
    EXPECT_LT(once, 1.1f);
    c.apply(2, points, wanted, 0.1f);
    EXPECT_GT(c.value(points[0]), once);
    c.undo();
    EXPECT_EQ(c.value(points[0]), once);
    EXPECT_EQ(c.value({0.9f, 0.9f, 0.9f}), 0);  // nothing far away
}

}  // namespace
}  // namespace nir::models
