// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/fitted/fit_points.h"

#include "nir/base/rng.h"
#include "nir/geom/point_parts.h"
#include "nir/geom/point_tiles.h"

#include "models/cascade/cell_blocks.h"
#include "models/fitted/fitted_field.h"
#include "models/fitted/moment_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace nir::models {
namespace {

using geom::Box3f;
using geom::Vec3d;
using geom::Vec3f;

/// A sphere of radius 0.5 whose upper half has `n` points with noise, the lower half few.
FitPoints dense_sphere(std::size_t n) {
    Rng rng(4);
    FitPoints out;
    while (out.size() < n) {
        const Vec3d d = normalized(Vec3d{rng.normal(), rng.normal(), rng.normal()});
        if (d.z < 0 && rng.uniform() < 0.99) continue;
        out.index.push_back(static_cast<std::uint32_t>(3 * out.size()));
        out.points.push_back(static_cast<Vec3f>(d * (0.5 + 0.004 * rng.normal())));
    }
    return out;
}

TEST(FitPoints, CrowdsBecomeMeansAndOthersStay) {
    const FitPoints before = dense_sphere(100000);
    FitPoints after = before;
    constexpr float cell = 0.05f;
    condense(after, {-1, -1, -1}, cell);
    EXPECT_LT(after.size(), before.size() / 4);
    ASSERT_EQ(after.weights.size(), after.size());
    EXPECT_TRUE(std::is_sorted(after.index.begin(), after.index.end()));
    EXPECT_NEAR(std::accumulate(after.weights.begin(), after.weights.end(), 0.0), 100000, 1);
    Vec3d mean_before{}, mean_after{};
    for (const auto& p : before.points) mean_before += Vec3d(p) / 1e5;
    for (std::size_t i = 0; i < after.size(); ++i)
        mean_after += Vec3d(after.points[i]) * (static_cast<double>(after.weights[i]) / 1e5);
    EXPECT_LT(norm(mean_before - mean_after), 1e-6);
    std::size_t below_before = 0, below_after = 0;
    for (const auto& p : before.points) below_before += p.z < -0.1f;
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (after.points[i].z >= -0.1f) continue;
        ++below_after;
        EXPECT_EQ(after.weights[i], 1);
    }
    EXPECT_EQ(below_before, below_after);
    FitPoints again = after;
    condense(again, {-1, -1, -1}, cell);
    EXPECT_TRUE(again.points == after.points);
}

TEST(FitPoints, PlanesOnMeansAreThoseOnThePoints) {
    const FitPoints all = dense_sphere(200000);
    FitPoints few = all;
    constexpr float cell = 0.05f;
    condense(few, {-1, -1, -1}, cell);
    const MomentGrid on_all(all.points, {-1, -1, -1}, cell);
    const MomentGrid on_few(few.points, {-1, -1, -1}, cell, {}, few.weights);
    Rng rng(9);
    double worst_height = 0, worst_tilt = 0;
    for (int i = 0; i < 3000; ++i) {
        const Vec3d d = normalized(Vec3d{rng.normal(), rng.normal(), 0.3 + std::abs(rng.normal())});
        const auto place = static_cast<Vec3f>(d * (0.5 + 0.01 * rng.normal()));
        const auto a = on_all.fit(place), b = on_few.fit(place);
        EXPECT_NEAR(a.weight, b.weight, 0.1f * a.weight);
        worst_height = std::max(worst_height, static_cast<double>(std::abs(dot(b.center - a.center, a.normal))));
        worst_tilt = std::max(worst_tilt, 1 - std::abs(static_cast<double>(dot(a.normal, b.normal))));
    }
    EXPECT_LT(worst_height, 0.02 * 0.05);  // of a cell
    EXPECT_LT(worst_tilt, 2e-4);           // 1 degree
}

/// What a part of a scan gives inside is what the whole gives, bit by bit, in whatever blocks it is read.
TEST(FitPoints, PartsAreThoseOfTheWhole) {
    const FitPoints all = dense_sphere(120000);
    const Vec3f origin{-0.9f, -0.8f, -1};
    const std::vector<float> cells{0.03f, 0.06f, 0.12f};
    const auto whole = fit_levels(all, origin, cells, {});
    const Box3f region{{0, -0.1f, 0.1f}, {0.4f, 0.3f, 0.45f}};
    const auto boxes = fit_boxes(cells, region);
    const geom::PointTiles tiles(all.points, 0.03f);
    std::vector<FitPoints> parts(cells.size());
    // Block by block: slabs of cells of the widest lattice.
    for (int x = 0; x < 20; ++x) {
        FitPoints slab;
        for (std::size_t i = 0; i < all.size(); ++i)
            if (cell_of(all.points[i], origin, cells.back()).x == x) slab.add(all, i);
        const auto levels = fit_levels(std::move(slab), origin, cells, boxes);
        for (std::size_t k = 0; k < cells.size(); ++k) append(parts[k], levels[k]);
    }
    for (std::size_t k = 0; k < cells.size(); ++k) {
        sort_by_index(parts[k]);
        FitPoints expected;
        for (std::size_t i = 0; i < whole[k].size(); ++i)
            if (boxes[k].contains(whole[k].points[i])) expected.add(whole[k], i);
        EXPECT_GT(expected.size(), 100u);
        EXPECT_TRUE(parts[k].index == expected.index) << k;
        EXPECT_TRUE(parts[k].points == expected.points) << k;
        for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(parts[k].weight(i), expected.weight(i));
    }
    EXPECT_LT(whole[2].size(), whole[1].size());
}

TEST(FitCell, FollowsSpacingNoiseSizeAndMesh) {
    EXPECT_FLOAT_EQ(fit_cell({.spacing = 0.01}, 1000), 0.01f);
    EXPECT_FLOAT_EQ(fit_cell({.spacing = 0.01}, 300000), 0.01f);
    EXPECT_FLOAT_EQ(fit_cell({.spacing = 0.01}, 1000000), 0.015f);
    EXPECT_FLOAT_EQ(fit_cell({.spacing = 0.01}, 50000000), 0.015f);
    const float between = fit_cell({.spacing = 0.01}, 550000);
    EXPECT_GT(between, 0.012f);
    EXPECT_LT(between, 0.013f);
    EXPECT_FLOAT_EQ(fit_cell({.spacing = 0.01, .noise = 0.01}, 1000), 0.03f);
    EXPECT_FLOAT_EQ(fit_cell({.spacing = 0.01, .mesh_cell = 0.2}, 1000000), 0.15f);
    EXPECT_FLOAT_EQ(fit_cell({.spacing = 0.01, .mesh_cell = 0.005}, 1000000), 0.015f);
}

TEST(PointParts, HoldEveryPointAndFewTogether) {
    Rng rng(2);
    std::vector<Vec3f> points;
    for (int i = 0; i < 50000; ++i)
        points.push_back(static_cast<Vec3f>(Vec3d{rng.uniform(), rng.uniform(), 0.01 * rng.normal()}));
    points.insert(points.end(), 3000, points[0]);  // one place that no halving parts
    const geom::PointTiles tiles(points, 0.02f);
    const Box3f box{{0.2f, 0.1f, -1}, {0.9f, 0.8f, 1}};
    std::set<std::uint32_t> seen;
    std::size_t parts = 0, most = 0;
    geom::visit_box(tiles, box, 2000, [&](const geom::PointSource::Found& part) {
        seen.insert(part.index.begin(), part.index.end());
        ++parts, most = std::max(most, part.index.size());
    });
    EXPECT_EQ(seen.size(), tiles.in_box(box).size());
    EXPECT_GT(parts, 10u);
    EXPECT_LE(most, 5100u);
    geom::visit_box(tiles, {{2, 2, 2}, {3, 3, 3}}, 10, [](const auto&) { ADD_FAILURE(); });
}

}  // namespace
}  // namespace nir::models
