// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/voxelize.h"

#include "nir/base/error.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nir::geom {
namespace {

TEST(TouchedCells, WallsOfABox) {
    // Faces in the middle of cells 1 and 6 of 8: a hollow shell of cells.
    const auto grid = touched_cells(testing::make_box({-0.3, -0.3, -0.3}, {0.3, 0.3, 0.3}), {-0.5, -0.5, -0.5}, 1, 8);
    for (int i = 0; i < 8; ++i)
        for (int j = 0; j < 8; ++j)
            for (int k = 0; k < 8; ++k) {
                const int lo = std::min({i, j, k}), hi = std::max({i, j, k});
                EXPECT_EQ(grid.values[grid.index(i, j, k)], lo >= 1 && hi <= 6 && (lo == 1 || hi == 6) ? 1.0f : 0.0f)
                    << i << ' ' << j << ' ' << k;
            }
    EXPECT_DOUBLE_EQ(grid.origin.x, -0.5 + 1.0 / 16);
}

TEST(TouchedCells, SphereTouchesExactlyTheCellsThatItPasses) {
    const int n = 32;
    const double r = 0.4, half = 0.5 / n;
    const auto grid = touched_cells(testing::make_sphere(r, 120), {-0.5, -0.5, -0.5}, 1, n);
    std::size_t sure = 0;
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j)
            for (int k = 0; k < n; ++k) {
                const Vec3d c = grid.origin + grid.spacing * Vec3d{i * 1.0, j * 1.0, k * 1.0};
                const Vec3d a{std::abs(c.x), std::abs(c.y), std::abs(c.z)};
                const double nearest = norm(max(a - Vec3d{half, half, half}, Vec3d{})),
                             farthest = norm(a + Vec3d{half, half, half});
                const bool touched = grid.values[grid.index(i, j, k)] > 0;
                // The facets lie up to 1.4e-4 inside the sphere.
                if (nearest < r - 2e-4 && farthest > r) {
                    EXPECT_TRUE(touched);
                    ++sure;
                }
                if (nearest > r || farthest < r - 2e-4) {
                    EXPECT_FALSE(touched);
                }
            }
    EXPECT_GT(sure, 3000u);
}

TEST(TouchedCells, WhatLiesOutsideOrIsBroken) {
    const auto grid = touched_cells(testing::make_box({2, 2, 2}, {3, 3, 3}), {0, 0, 0}, 1, 4);
    EXPECT_EQ(std::count(grid.values.begin(), grid.values.end(), 1.0f), 0);
    TriMesh broken = testing::make_box({0, 0, 0}, {1, 1, 1});
    broken.faces[3][1] = 99;
    EXPECT_THROW(touched_cells(broken, {0, 0, 0}, 1, 4), Error);
}

}  // namespace
}  // namespace nir::geom
