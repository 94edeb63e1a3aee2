// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/point_tiles.h"

#include "nir/base/rng.h"

#include <gtest/gtest.h>

namespace nir::geom {
namespace {

std::vector<Vec3f> random_points(std::size_t n, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Vec3f> points(n);
    for (auto& p : points)
        p = {static_cast<float>(rng.uniform(-3, 5)), static_cast<float>(rng.uniform(0, 1)),
             static_cast<float>(rng.uniform(10, 12))};
    return points;
}

TEST(PointTiles, FindsWhatAFullSearchFinds) {
    const auto points = random_points(5000, 1);
    const PointTiles tiles(points, 0.37f);
    Rng rng(2);
    std::size_t found = 0;
    for (int k = 0; k < 200; ++k) {
        const Vec3f c = points[rng.below(points.size())];
        const auto r = static_cast<float>(rng.uniform(0, 1.5));
        const Box3f box{c - Vec3f{r, 0.5f * r, r}, c + Vec3f{0.2f * r, r, r}};
        std::vector<std::uint32_t> expected;
        for (std::uint32_t i = 0; i < points.size(); ++i)
            if (box.contains(points[i])) expected.push_back(i);
        EXPECT_EQ(tiles.in_box(box), expected);
        EXPECT_EQ(tiles.any_in_box(box), !expected.empty());
        found += expected.size();
    }
    EXPECT_GT(found, 10000u);
}

TEST(PointTiles, BoxesOutsideAndClosedBorders) {
    const std::vector<Vec3f> points{{0, 0, 0}, {1, 0, 0}, {1, 2, 0}};
    const PointTiles tiles(points, 0.5f);
    EXPECT_EQ(tiles.in_box({{1, 0, 0}, {1, 2, 0}}), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_TRUE(tiles.in_box({{2, 0, 0}, {3, 1, 1}}).empty());
    EXPECT_TRUE(tiles.in_box({{-2, -3, -4}, {-1, -1, -1}}).empty());
    EXPECT_EQ(tiles.in_box({{-1e9f, -1e9f, -1e9f}, {1e9f, 1e9f, 1e9f}}).size(), 3u);
    EXPECT_FALSE(tiles.any_in_box(Box3f{}));
    EXPECT_FALSE(PointTiles({}, 1).any_in_box({{-1, -1, -1}, {1, 1, 1}}));
}

TEST(PointTiles, RefusesTilesTooSmallForTheExtent) {
    const std::vector<Vec3f> points{{0, 0, 0}, {1, 0, 0}};
    EXPECT_ANY_THROW(PointTiles(points, 1e-8f));
    EXPECT_ANY_THROW(PointTiles(points, 0));
}

}  // namespace
}  // namespace nir::geom
