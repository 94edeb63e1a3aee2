// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/sparse_lattice.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"

#include <gtest/gtest.h>

#include <set>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;

Vec3f random_point(Rng& rng) {
    return {static_cast<float>(rng.uniform(-3, 5)), static_cast<float>(rng.uniform(-3, 5)),
            static_cast<float>(rng.uniform(-3, 5))};
}

TEST(SparseLattice, HoldsTheBricksAroundThePointsOnly) {
    Rng rng(1);
    std::vector<Vec3f> points;
    for (int i = 0; i < 2000; ++i) points.push_back(random_point(rng));
    const Vec3f origin{0.1f, -0.2f, 0.3f};
    const SparseLattice lattice(points, origin, 0.25f);
    std::set<std::array<int, 3>> expected;
    for (const Vec3f& p : points) {
        const Vec3f q = (p - origin) / 0.25f;
        for (int k = 0; k < 8; ++k) {
            const Vec3i node{static_cast<int>(std::floor(q.x)) + (k & 1),
                             static_cast<int>(std::floor(q.y)) + (k >> 1 & 1),
                             static_cast<int>(std::floor(q.z)) + (k >> 2)};
            for (int j = 0; j < 64; ++j)
                expected.insert({(node.x & ~3) + j % 4, (node.y & ~3) + j / 4 % 4, (node.z & ~3) + j / 16});
        }
    }
    EXPECT_EQ(lattice.nodes(), expected.size());
    std::set<std::int32_t> numbers;
    for (const auto& e : expected) numbers.insert(lattice.find({e[0], e[1], e[2]}));
    EXPECT_EQ(numbers.size(), expected.size());
    EXPECT_EQ(*numbers.begin(), 0);
    EXPECT_EQ(*numbers.rbegin() + 1, static_cast<std::int32_t>(lattice.nodes()));
    EXPECT_EQ(lattice.find({1000, 2, 3}), -1);
    EXPECT_EQ(SparseLattice().find({0, 0, 0}), -1);
}

TEST(SparseLattice, WeightsReproduceLinearFunctions) {
    // Every node of a block: each interpolation has all it needs inside.
    std::vector<Vec3f> points;
    for (int i = 0; i < 12 * 12 * 12; ++i)
        points.push_back(
            Vec3f{static_cast<float>(i % 12), static_cast<float>(i / 12 % 12), static_cast<float>(i / 144)} * 0.5f -
            Vec3f{2.75f, 2.75f, 2.75f});
    const SparseLattice lattice(points, {}, 0.5f);
    std::vector<float> value(lattice.nodes());
    const auto linear = [](Vec3f p) { return 2 * p.x - 3 * p.y + 0.5f * p.z + 1; };
    for (int z = -8; z < 8; ++z)
        for (int y = -8; y < 8; ++y)
            for (int x = -8; x < 8; ++x)
                if (const auto n = lattice.find({x, y, z}); n >= 0)
                    value[static_cast<std::size_t>(n)] = linear(static_cast<Vec3f>(Vec3i{x, y, z}) * 0.5f);
    Rng rng(2);
    for (int i = 0; i < 200; ++i) {
        const Vec3f p = random_point(rng) * 0.25f;
        const auto c = lattice.corners(p);
        float hats = 0, spline = 0;
        for (std::size_t k = 0; k < 8; ++k) hats += c.weight[k] * value[static_cast<std::size_t>(c.node[k])];
        Vec3f slope{};
        lattice.for_each_spline(p, [&](std::int32_t n, float w, Vec3f g) {
            spline += w * value[static_cast<std::size_t>(n)];
            slope += g * value[static_cast<std::size_t>(n)];
        });
        EXPECT_NEAR(hats, linear(p), 1e-4);
        EXPECT_NEAR(spline, linear(p), 1e-4);
        EXPECT_LT(norm(slope - Vec3f{2, -3, 0.5f}), 1e-4);
    }
}

TEST(SparseLattice, RefusesCellsThatAreTooSmall) {
    const std::vector<Vec3f> far{{1e9f, 0, 0}};
    EXPECT_THROW(SparseLattice(far, {}, 1e-3f), Error);
}

}  // namespace
}  // namespace nir::models
