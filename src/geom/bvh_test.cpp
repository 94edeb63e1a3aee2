// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/bvh.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"

#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

Vec3d random_in_cube(Rng& rng, double half = 1.0) {
    return {rng.uniform(-half, half), rng.uniform(-half, half), rng.uniform(-half, half)};
}

double distance_to_box(Vec3d p, Vec3d half) {  // closed form, surface of a centred box
    const Vec3d q{std::abs(p.x) - half.x, std::abs(p.y) - half.y, std::abs(p.z) - half.z};
    const double outside = norm(max(q, Vec3d{}));
    return outside > 0.0 ? outside : -std::max({q.x, q.y, q.z});
}

TEST(TriangleBvh, DistanceToBoxIsExact) {
    const Vec3d half{0.3, 0.2, 0.5};
    const TriangleBvh bvh(testing::make_box(-half, half));
    Rng rng(1);
    std::vector<Vec3d> q(5000);
    for (auto& p : q) p = random_in_cube(rng);
    std::vector<double> d(q.size());
    bvh.distances(q, d);
    for (std::size_t i = 0; i < q.size(); ++i) ASSERT_NEAR(d[i], distance_to_box(q[i], half), 1e-12);
}

TEST(TriangleBvh, ClosestPointLiesOnItsFaceAndNoneIsCloser) {
    const auto mesh = testing::make_torus(0.35, 0.12, 40, 20);
    const TriangleBvh bvh(mesh);
    Rng rng(2);
    for (int i = 0; i < 300; ++i) {
        const Vec3d q = random_in_cube(rng, 0.6);
        const auto c = bvh.closest(q);
        EXPECT_NEAR(norm(c.point - q), std::sqrt(c.squared_distance), 1e-12);
        double best = std::numeric_limits<double>::infinity();
        for (const auto& f : mesh.faces) {  // dense brute force on barycentric samples bounds the distance from above
            for (int u = 0; u <= 4; ++u)
                for (int v = 0; u + v <= 4; ++v) {
                    const double a = u / 4.0, b = v / 4.0;
                    const Vec3d p =
                        mesh.vertices[f[0]] * (1 - a - b) + mesh.vertices[f[1]] * a + mesh.vertices[f[2]] * b;
                    best = std::min(best, norm(p - q));
                }
        }
        EXPECT_LE(std::sqrt(c.squared_distance), best + 1e-12);
        EXPECT_GE(std::sqrt(c.squared_distance), best - 0.02);  // edge length / 4
        TriMesh one{mesh.vertices, {mesh.faces[c.face]}, {}, {}, {}};
        EXPECT_NEAR(TriangleBvh(one).closest(c.point).squared_distance, 0.0, 1e-24);
    }
    EXPECT_FALSE(std::isfinite(bvh.closest({3, 0, 0}, 1.0).squared_distance));
}

TEST(TriangleBvh, RaysHitTheSphereWhereTheyShould) {
    const TriangleBvh bvh(testing::make_sphere(0.5, 100));
    Rng rng(3);
    for (int i = 0; i < 2000; ++i) {
        const Vec3d from = normalized(random_in_cube(rng)) * 2.0, to = random_in_cube(rng, 0.25);
        const Vec3d d = normalized(to - from);
        const auto hit = bvh.cast(from, d);
        ASSERT_TRUE(hit.hit());
        EXPECT_NEAR(norm(from + d * hit.t), 0.5, 5e-4);
        EXPECT_EQ(bvh.count_hits(from, d), 2u);
        EXPECT_EQ(bvh.count_hits(to, d), 1u);
        EXPECT_FALSE(bvh.cast(from, d, hit.t * 0.999).hit());
        EXPECT_FALSE(bvh.cast(from, -d).hit());
    }
}

TEST(TriangleBvh, RaysDoNotSlipThroughSharedEdgesAndVertices) {
    const auto mesh = testing::make_sphere(0.5, 24);
    const TriangleBvh bvh(mesh);
    Rng rng(4);
    for (const auto& f : mesh.faces) {
        const Vec3d from = random_in_cube(rng, 0.1);
        const Vec3d edge = mesh.vertices[f[0]] * 0.25 + mesh.vertices[f[1]] * 0.75;
        EXPECT_TRUE(bvh.cast(from, edge - from).hit());
        EXPECT_TRUE(bvh.cast(from, mesh.vertices[f[2]] - from).hit());
    }
    for (int a = 0; a < 3; ++a) {  // along the axes, zero components in the direction
        Vec3d d{};
        d[a] = 1.0;
        EXPECT_TRUE(bvh.cast({}, d).hit());
        EXPECT_TRUE(bvh.cast({}, -d).hit());
    }
}

TEST(TriangleBvh, GeoReferencedMesh) {
    const Vec3d offset{4.5e6, 5.2e6, 300};
    const TriangleBvh bvh(testing::make_sphere(0.5, 60, offset));
    EXPECT_NEAR(std::sqrt(bvh.closest(offset + Vec3d{0, 0, 0.7}).squared_distance), 0.2, 1e-8);
}

TEST(TriangleBvh, ManyEqualTrianglesEndInBalancedTree) {
    TriMesh m{{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {}, {}, {}, {}};
    m.faces.assign(5000, Triangle{0, 1, 2});
    const TriangleBvh bvh(m);
    EXPECT_NEAR(bvh.closest({0.2, 0.2, 1}).squared_distance, 1.0, 1e-12);
    EXPECT_EQ(bvh.count_hits({0.2, 0.2, 1}, {0, 0, -1}), 5000u);
}

TEST(TriangleBvh, EmptyDegenerateAndBadMeshes) {
    const TriangleBvh none(TriMesh{});
    EXPECT_EQ(none.size(), 0u);
    EXPECT_FALSE(std::isfinite(none.closest({}).squared_distance));
    EXPECT_FALSE(none.cast({}, {1, 0, 0}).hit());
    const TriangleBvh point(TriMesh{{{1, 1, 1}}, {{0, 0, 0}}, {}, {}, {}});
    EXPECT_NEAR(point.closest({1, 1, 3}).squared_distance, 4.0, 1e-12);
    EXPECT_FALSE(point.cast({1, 1, 3}, {0, 0, -1}).hit());
    try {
        const TriangleBvh bad(TriMesh{{{0, 0, 0}}, {{0, 0, 7}}, {}, {}, {}});
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::input);
        EXPECT_THAT(e.what(), ::testing::HasSubstr("vertex 7"));
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(TriangleBvh(TriMesh{{{0, nan, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}, {}, {}, {}}), Error);
    EXPECT_THROW(none.cast({}, {0, 0, 0}), Error);
}

}  // namespace
}  // namespace nir::geom
