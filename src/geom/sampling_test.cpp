// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/sampling.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace nir::geom {
namespace {

TEST(SampleSurface, IsUniformByArea) {
    const auto mesh = testing::make_box({0, 0, 0}, {1, 2, 3});  // faces of area 2, 3 and 6, each twice
    Rng rng(1);
    constexpr std::size_t n = 200000;
    const auto s = sample_surface(mesh, n, rng);
    ASSERT_EQ(s.size(), n);
    std::vector<double> per_face(mesh.faces.size());
    Vec3d mean{};
    for (std::size_t i = 0; i < n; ++i) {
        per_face[s.faces[i]] += 1.0;
        mean += s.points[i] / static_cast<double>(n);
        const Vec3d out = s.points[i] - Vec3d{0.5, 1.0, 1.5};
        EXPECT_GT(dot(Vec3d(s.normals[i]), out), 0.0);
    }
    double chi2 = 0.0;  // 11 degrees of freedom: 31.3 is the 0.1 % quantile
    for (std::size_t f = 0; f < per_face.size(); ++f) {
        const auto& t = mesh.faces[f];
        const double area =
            0.5 * norm(cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]]));
        const double expected = static_cast<double>(n) * area / 22.0;
        chi2 += (per_face[f] - expected) * (per_face[f] - expected) / expected;
    }
    EXPECT_LT(chi2, 31.3);
    EXPECT_NEAR(mean.x, 0.5, 5e-3);
    EXPECT_NEAR(mean.y, 1.0, 1e-2);
    EXPECT_NEAR(mean.z, 1.5, 1e-2);
}

TEST(SampleSurface, InsideATriangleTheFirstTwoMomentsAreThoseOfTheUniformLaw) {
    const TriMesh t{{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}, {}, {}, {}};
    Rng rng(2);
    constexpr std::size_t n = 100000;
    const auto s = sample_surface(t, n, rng);
    double x = 0, xx = 0, xy = 0;
    for (const auto& p : s.points) {
        ASSERT_TRUE(p.x >= 0 && p.y >= 0 && p.x + p.y <= 1 + 1e-15 && p.z == 0);
        x += p.x / n, xx += p.x * p.x / n, xy += p.x * p.y / n;
    }
    EXPECT_NEAR(x, 1.0 / 3.0, 3e-3);
    EXPECT_NEAR(xx, 1.0 / 6.0, 3e-3);
    EXPECT_NEAR(xy, 1.0 / 12.0, 2e-3);
}

TEST(SampleSurface, SameSeedSamePointsWithAnyNumberOfThreads) {
    const auto mesh = testing::make_sphere(1, 20);
    const int before = threads();
    std::vector<SurfaceSamples> runs;
    for (const int n : {1, 3}) {
        set_threads(n);
        Rng rng(7);
        runs.push_back(sample_surface(mesh, 30000, rng));
    }
    set_threads(before);
    EXPECT_EQ(runs[0].points, runs[1].points);
    Rng other(8);
    EXPECT_NE(runs[0].points, sample_surface(mesh, 30000, other).points);
}

TEST(SampleSurface, DegenerateFacesGetNothingAndEmptyMeshesFail) {
    const TriMesh t{{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 0, 1}, {0, 1, 2}, {2, 2, 2}}, {}, {}, {}};
    Rng rng(3);
    for (const auto f : sample_surface(t, 1000, rng).faces) EXPECT_EQ(f, 1u);
    EXPECT_EQ(sample_surface(TriMesh{}, 0, rng).size(), 0u);
    EXPECT_THROW(sample_surface(TriMesh{}, 1, rng), Error);
    EXPECT_THROW(sample_surface(TriMesh{{{0, 0, 0}}, {{0, 0, 0}}, {}, {}, {}}, 1, rng), Error);
    EXPECT_THROW(sample_surface(TriMesh{{{0, 0, 0}}, {{0, 1, 2}}, {}, {}, {}}, 1, rng), Error);
}

TEST(SurfaceMeasures, BoxAndSphere) {
    const auto box = testing::make_box({4.5e6, 5.2e6, 0}, {4.5e6 + 1, 5.2e6 + 2, 3});
    EXPECT_NEAR(surface_area(box), 22.0, 1e-8);
    EXPECT_NEAR(signed_volume(box), 6.0, 1e-8);
    const auto sphere = testing::make_sphere(0.5, 200);
    EXPECT_NEAR(signed_volume(sphere), M_PI / 6.0, 1e-4);
    EXPECT_NEAR(surface_area(sphere), M_PI, 1e-3);
    EXPECT_EQ(signed_volume(TriMesh{}), 0.0);
    EXPECT_EQ(face_normals(testing::make_box({0, 0, 0}, {1, 1, 1}))[0], (Vec3f{0, 0, -1}));
}

TEST(Subset, RandomIsUniformAndWithoutRepetition) {
    std::vector<int> hits(50);
    Rng rng(4);
    for (int run = 0; run < 4000; ++run) {
        const auto s = random_subset(50, 10, rng);
        ASSERT_EQ(std::set<std::uint32_t>(s.begin(), s.end()).size(), 10u);
        ASSERT_TRUE(std::is_sorted(s.begin(), s.end()));
        for (const auto i : s) ++hits[i];
    }
    for (const int h : hits) EXPECT_NEAR(h, 800, 130);  // five standard deviations of 25.3
    EXPECT_EQ(random_subset(5, 9, rng), (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
    EXPECT_TRUE(random_subset(0, 3, rng).empty());
}

TEST(Subset, FarthestPointsSpread) {
    std::vector<Vec3d> line;
    for (int i = 0; i <= 100; ++i) line.push_back({i * 1.0, 0, 0});
    EXPECT_EQ(farthest_point_subset(line, 5), (std::vector<std::uint32_t>{0, 100, 50, 25, 75}));
    Rng rng(5);
    const auto s = sample_surface(testing::make_sphere(1, 30), 20000, rng);
    const auto chosen = farthest_point_subset(s.points, 100);
    double closest = 10.0;  // 100 points on a unit sphere: hexagonal packing has 0.38, random has 0.02
    for (std::size_t i = 0; i < chosen.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            closest = std::min(closest, norm(s.points[chosen[i]] - s.points[chosen[j]]));
    EXPECT_GT(closest, 0.22);
    const std::vector<Vec3d> same(10, Vec3d{1, 1, 1});
    const auto all = farthest_point_subset(same, 10);
    EXPECT_EQ(std::set<std::uint32_t>(all.begin(), all.end()).size(), 10u);
    EXPECT_TRUE(farthest_point_subset({}, 3).empty());
}

TEST(Subset, VoxelKeepsTheMostCentralPointOfEachCell) {
    const Vec3d o{4.5e6, 5.2e6, 0};
    const std::vector<Vec3d> points = {o, o + Vec3d{0.4, 0, 0}, o + Vec3d{0.5, 0, 0}, o + Vec3d{1.5, 0, 0},
                                       o + Vec3d{0.1, 1.2, 0}};
    EXPECT_EQ(voxel_subset(points, 1.0), (std::vector<std::uint32_t>{1, 3, 4}));
    EXPECT_TRUE(voxel_subset({}, 1.0).empty());
    EXPECT_THROW(voxel_subset(points, 0.0), Error);
    EXPECT_THROW(voxel_subset(points, 1e-12), Error);
    const std::vector<Vec3d> bad = {{std::numeric_limits<double>::infinity(), 0, 0}};
    EXPECT_THROW(voxel_subset(bad, 1.0), Error);
}

TEST(Select, CarriesAttributes) {
    PointCloud c;
    c.points = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
    c.colors = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
    const std::vector<std::uint32_t> ids = {2, 0};
    const auto s = select(c, ids);
    EXPECT_EQ(s.points, (std::vector<Vec3d>{{2, 0, 0}, {0, 0, 0}}));
    EXPECT_EQ(s.colors[0].r, 3);
    EXPECT_TRUE(s.normals.empty());
}

}  // namespace
}  // namespace nir::geom
