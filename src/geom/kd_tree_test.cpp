// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/kd_tree.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace nir::geom {
namespace {

std::vector<Vec3d> random_points(std::size_t n, std::uint64_t seed, Vec3d offset = {}) {
    Rng rng(seed);
    std::vector<Vec3d> p(n);
    for (auto& v : p) v = offset + Vec3d{rng.uniform(), rng.uniform(), rng.uniform()};
    return p;
}

std::vector<Neighbor> brute_force(const std::vector<Vec3d>& points, Vec3d q) {
    std::vector<Neighbor> all;
    for (std::uint32_t i = 0; i < points.size(); ++i) all.push_back({i, squared_norm(points[i] - q)});
    std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.squared_distance < b.squared_distance; });
    return all;
}

TEST(KdTree, NearestEqualsBruteForce) {
    const auto points = random_points(500, 1);
    const KdTree tree(points);
    const auto queries = random_points(3000, 2);
    constexpr std::size_t k = 7;
    std::vector<Neighbor> found(queries.size() * k), first(queries.size());
    tree.nearest(queries, k, found);
    tree.nearest(queries, first);
    for (std::size_t i = 0; i < queries.size(); ++i) {
        const auto expected = brute_force(points, queries[i]);
        for (std::size_t j = 0; j < k; ++j) {
            ASSERT_EQ(found[i * k + j].index, expected[j].index);
            ASSERT_NEAR(found[i * k + j].squared_distance, expected[j].squared_distance, 1e-12);
        }
        ASSERT_EQ(first[i].index, expected[0].index);
    }
}

TEST(KdTree, RadiusIsClosedAndSorted) {
    const std::vector<Vec3d> points = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
    const KdTree tree(points);
    const auto found = tree.within({0, 0, 0}, 2.0);
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[2].index, 2u);
    EXPECT_TRUE(tree.within({0, 0, 0}, -1.0).empty());
    const auto many = random_points(400, 3);
    const KdTree big(many);
    const Vec3d q{0.5, 0.5, 0.5};
    const auto ball = big.within(q, 0.3);
    const auto all = brute_force(many, q);
    const auto expected = std::count_if(all.begin(), all.end(), [](auto& n) { return n.squared_distance <= 0.09; });
    EXPECT_EQ(static_cast<std::ptrdiff_t>(ball.size()), expected);
}

TEST(KdTree, GeoReferencedPointsKeepMillimetres) {
    const Vec3d offset{4.5e6, 5.2e6, 300.0};
    const std::vector<Vec3d> points = {offset, offset + Vec3d{0.001, 0, 0}, offset + Vec3d{0.003, 0, 0}};
    const KdTree tree(points);
    const auto n = tree.nearest(offset + Vec3d{0.0018, 0, 0});
    EXPECT_EQ(n.index, 1u);
    EXPECT_NEAR(std::sqrt(n.squared_distance), 0.0008, 1e-8);
}

TEST(KdTree, SmallAndBadInputs) {
    const KdTree empty(std::span<const Vec3d>{});
    EXPECT_EQ(empty.size(), 0u);
    EXPECT_TRUE(empty.nearest({}, 3).empty());
    EXPECT_TRUE(empty.within({}, 3.0).empty());
    EXPECT_THROW(empty.nearest({}), Error);
    const std::vector<Vec3d> same(1000, Vec3d{1, 2, 3});  // equal points must not recurse for ever
    const KdTree tree(same);
    EXPECT_EQ(tree.nearest({1, 2, 3}, 2000).size(), 1000u);
    EXPECT_THROW(tree.nearest(Vec3d{0, std::numeric_limits<double>::quiet_NaN(), 0}), Error);
    const std::vector<Vec3d> bad = {{0, 0, 0}, {0, std::numeric_limits<double>::quiet_NaN(), 0}};
    try {
        const KdTree t(bad);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::input);
        EXPECT_THAT(e.what(), testing::HasSubstr("point 1"));
    }
}

}  // namespace
}  // namespace nir::geom
