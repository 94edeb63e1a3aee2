// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/inside.h"

#include "nir/base/parallel.h"
#include "nir/base/rng.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

constexpr double kExact = std::numeric_limits<double>::infinity();

std::vector<Vec3d> cube_points(std::size_t n, std::uint64_t seed, double half = 0.6) {
    Rng rng(seed);
    std::vector<Vec3d> q(n);
    for (auto& p : q) p = {rng.uniform(-half, half), rng.uniform(-half, half), rng.uniform(-half, half)};
    return q;
}

/// Torus of 40 x 20 with n_major, n_minor segments: exact inside test of the polyhedron is not needed a hair away.
double torus_sdf(Vec3d p) { return std::hypot(std::hypot(p.x, p.y) - 0.35, p.z) - 0.12; }

TEST(WindingNumber, ExactModeIsOneInsideAndZeroOutside) {
    const TriangleBvh bvh(testing::make_torus(0.35, 0.12, 80, 40));
    const WindingNumber winding(bvh, kExact);
    for (const auto& q : cube_points(800, 1)) {
        const double sdf = torus_sdf(q);
        if (std::abs(sdf) < 2e-3) continue;
        ASSERT_NEAR(winding(q), sdf < 0 ? 1.0 : 0.0, 1e-9);
    }
}

TEST(WindingNumber, ErrorOfTheExpansionFallsWithAccuracy) {
    TriMesh mesh = testing::make_torus(0.35, 0.12, 100, 40);
    mesh.faces.resize(mesh.faces.size() * 5 / 6);  // an open mesh: all fractions between 0 and 1
    const TriangleBvh bvh(mesh);
    const auto q = cube_points(2000, 2);
    std::vector<float> exact(q.size()), fast(q.size());
    WindingNumber(bvh, kExact).evaluate(q, exact);
    double former = 1.0;
    for (const auto& [accuracy, bound] : {std::pair{1.5, 3e-2}, std::pair{2.0, 1e-2}, std::pair{3.0, 2e-3}}) {
        WindingNumber(bvh, accuracy).evaluate(q, fast);
        double worst = 0.0;
        for (std::size_t i = 0; i < q.size(); ++i)
            worst = std::max(worst, std::abs(static_cast<double>(fast[i]) - static_cast<double>(exact[i])));
        EXPECT_LT(worst, bound) << "accuracy " << accuracy;
        EXPECT_LT(worst, former);
        former = worst;
    }
}

TEST(WindingNumber, CountsNestedAndFlippedSurfaces) {
    TriMesh mesh = testing::make_sphere(0.5, 40);
    testing::append(mesh, testing::make_sphere(0.2, 40));
    const TriangleBvh twice(mesh);
    EXPECT_NEAR(WindingNumber(twice)({0, 0, 0}), 2.0, 0.02);
    EXPECT_NEAR(WindingNumber(twice)({0, 0, 0.35}), 1.0, 0.02);
    for (auto& f : mesh.faces) std::swap(f[1], f[2]);
    const TriangleBvh flipped(mesh);
    EXPECT_NEAR(WindingNumber(flipped)({0, 0, 0.35}), -1.0, 0.02);
    EXPECT_EQ(WindingNumber(TriangleBvh(TriMesh{}))({0, 0, 0}), 0.0);
}

TEST(InsideTest, AllMethodsAgreeWithTheClosedForm) {
    const auto mesh = testing::make_torus(0.35, 0.12, 200, 100);
    const auto q = cube_points(20000, 3);
    for (const auto method : {InsideMethod::winding, InsideMethod::parity, InsideMethod::vertical_parity}) {
        const InsideTest test(mesh, method);
        std::vector<std::uint8_t> inside(q.size());
        test.contains(q, inside);
        std::size_t n_inside = 0;
        for (std::size_t i = 0; i < q.size(); ++i) {
            n_inside += inside[i];
            if (std::abs(torus_sdf(q[i])) < 5e-4) continue;
            ASSERT_EQ(inside[i] != 0, torus_sdf(q[i]) < 0) << q[i].x << ' ' << q[i].y << ' ' << q[i].z;
        }
        const double volume = static_cast<double>(n_inside) / static_cast<double>(q.size()) * 1.2 * 1.2 * 1.2;
        EXPECT_NEAR(volume, 2.0 * M_PI * M_PI * 0.35 * 0.12 * 0.12, 0.01);
    }
}

TEST(InsideTest, HolesAndFlippedMeshes) {
    TriMesh mesh = testing::make_sphere(0.5, 40);
    mesh.faces.erase(mesh.faces.begin() + 500, mesh.faces.begin() + 560);  // two per cent of the faces missing
    const InsideTest open(mesh);
    EXPECT_TRUE(open.contains({0, 0, 0}));
    EXPECT_TRUE(open.contains({0.2, 0.2, -0.2}));
    EXPECT_FALSE(open.contains({0.9, 0, 0}));
    for (auto& f : mesh.faces) std::swap(f[1], f[2]);
    EXPECT_TRUE(InsideTest(mesh).contains({0, 0, 0}));
}

TEST(InsideTest, ThreadsAndPrecisionsGiveTheSameAnswer) {
    const InsideTest test(testing::make_sphere(0.5, 30));
    const auto q = cube_points(4000, 4);
    std::vector<Vec3f> qf(q.begin(), q.end());
    std::vector<std::uint8_t> one(q.size()), many(q.size()), single(q.size());
    const int before = threads();
    set_threads(1);
    test.contains(q, one);
    set_threads(4);
    test.contains(q, many);
    test.contains(qf, single);
    set_threads(before);
    EXPECT_EQ(one, many);
    EXPECT_EQ(one, single);
    EXPECT_FALSE(test.contains({std::numeric_limits<double>::quiet_NaN(), 0, 0}));
    EXPECT_FALSE(InsideTest(TriMesh{}, InsideMethod::parity).contains({0, 0, 0}));
    test.contains(std::span<const Vec3d>{}, std::span<std::uint8_t>{});
}

}  // namespace
}  // namespace nir::geom
