// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/extract_mesh.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/extract/grid_field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numbers>

namespace nir::extract {
namespace {

using geom::Box3f;
using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

const Box3f kCube{{-0.55f, -0.55f, -0.55f}, {0.55f, 0.55f, 0.55f}};

/// A steep field, lopsided at its zero, as trained networks have: linear interpolation of it is poor.
FunctionField steep_sphere(float radius, Box3f domain = kCube, float iso = 0.0f) {
    return {[=](Vec3f p) {
                const float d = radius - geom::norm(p);
                return (d > 0 ? 8.0f : 2.0f) * std::tanh(400 * d) + 3 * d;
            },
            domain, iso};
}

double largest_radius_error(const geom::TriMesh& mesh, double radius) {
    double worst = 0;
    for (const auto& p : mesh.vertices) worst = std::max(worst, std::abs(geom::norm(p) - radius));
    return worst;
}

double mean_radius_error(const geom::TriMesh& mesh, double radius) {
    double sum = 0;
    for (const auto& p : mesh.vertices) sum += std::abs(geom::norm(p) - radius);
    return sum / static_cast<double>(mesh.vertices.size());
}

TEST(ExtractMesh, RootFindingPutsVerticesOnTheLevelOfASteepField) {
    auto field = steep_sphere(0.35f);
    const auto plain = extract_mesh(field, {.refine_steps = 0});
    const auto refined = extract_mesh(field, {.refine_steps = 4});
    EXPECT_EQ(plain.mesh.faces, refined.mesh.faces);
    EXPECT_EQ(plain.refine_points, 0u);
    EXPECT_GT(largest_radius_error(plain.mesh, 0.35), 5e-4);
    EXPECT_LT(largest_radius_error(refined.mesh, 0.35), 5e-4);
    EXPECT_LT(mean_radius_error(refined.mesh, 0.35), mean_radius_error(plain.mesh, 0.35) / 20);
    const auto exact = extract_mesh(field, {.refine_steps = 20});
    EXPECT_LT(largest_radius_error(exact.mesh, 0.35), 1e-6);
    EXPECT_TRUE(refined.report.outward && refined.report.manifold());
    EXPECT_EQ(refined.report.euler_characteristic, 2);
    EXPECT_EQ(refined.report.degenerate_faces, 0u);
    EXPECT_EQ(refined.queried_points, 133813u);
    EXPECT_EQ(refined.rounds.size(), 3u);
    EXPECT_LE(refined.refine_points, 4 * refined.mesh.vertices.size());
    ASSERT_EQ(refined.mesh.normals.size(), refined.mesh.vertices.size());
    for (std::size_t v = 0; v < refined.mesh.vertices.size(); ++v) {
        const auto radial = Vec3f(geom::normalized(refined.mesh.vertices[v]));
        EXPECT_GT(geom::dot(radial, refined.mesh.normals[v]), 0.98f);
    }
}

TEST(ExtractMesh, EveryStepOfRootFindingHelps) {
    auto field = steep_sphere(0.31f);  // nearly a step from cell to cell
    double former = 1;
    for (int steps = 0; steps <= 4; ++steps) {
        const double error =
            largest_radius_error(extract_mesh(field, {.upsampling = 1, .refine_steps = steps}).mesh, 0.31);
        EXPECT_LE(error, former * 1.0001) << steps;
        former = error;
    }
    EXPECT_LT(former, 1.1 / 64 / 20);
}

TEST(ExtractMesh, DenseAndMiseAgreeOnASphere) {
    auto field = steep_sphere(0.35f);
    const auto sparse = extract_mesh(field, {.resolution_0 = 16, .upsampling = 2});
    MeshExtractor extractor(field, {.resolution_0 = 16, .upsampling = 2, .dense = true});
    NoProgress quiet;
    const auto dense = extractor.extract(quiet);
    EXPECT_EQ(sparse.mesh.vertices, dense.mesh.vertices);
    EXPECT_EQ(sparse.mesh.faces, dense.mesh.faces);
    EXPECT_EQ(dense.queried_points, 65u * 65u * 65u);
    EXPECT_EQ(extractor.values().values.size(), dense.queried_points);
    // A further level costs no query of the lattice.
    const auto outer = extractor.extract_at(-4.0, quiet);
    EXPECT_EQ(outer.query_s, 0.0);
    EXPECT_GT(outer.report.signed_volume, dense.report.signed_volume);
    EXPECT_TRUE(outer.report.outward);
}

TEST(ExtractMesh, LevelAndDomainCanBeOverridden) {
    auto field = FunctionField([](Vec3f p) { return -geom::norm(p); }, kCube, -0.3f);
    EXPECT_NEAR(extract_mesh(field).report.signed_volume, 4.0 / 3.0 * std::numbers::pi * 0.027, 3e-4);
    EXPECT_NEAR(extract_mesh(field, {.level = -0.2}).report.signed_volume, 4.0 / 3.0 * std::numbers::pi * 0.008, 3e-4);
    const auto half = extract_mesh(field, {.domain = geom::Box3d{{0, -0.55, -0.55}, {0.55, 0.55, 0.55}}});
    EXPECT_NEAR(half.report.signed_volume, 2.0 / 3.0 * std::numbers::pi * 0.027, 3e-4);
    EXPECT_TRUE(half.report.outward && half.report.manifold());
}

TEST(ExtractMesh, DomainsThatAreNoCubesGetCellsPerAxis) {
    const Box3f flat{{-1, -0.5f, -0.13f}, {1, 0.5f, 0.13f}};
    auto field = FunctionField([](Vec3f p) { return 0.1f - geom::norm(p); }, flat);
    const auto r = extract_mesh(field, {.resolution_0 = 32, .upsampling = 1});
    EXPECT_EQ(r.lattice.cells, (Vec3i{64, 32, 10}));
    EXPECT_LE(r.lattice.spacing().z, 2.0 / 64 + 1e-6);
    EXPECT_LT(largest_radius_error(r.mesh, 0.1), 1e-4);
    const Vec3d p{0.3, -0.2, 0.05};
    EXPECT_LT(geom::norm(r.lattice.position(r.lattice.index_of(p)) - p), 1e-12);
}

TEST(ExtractMesh, SurfaceThatLeavesTheDomainIsClosedAtTheBorder) {
    auto field = FunctionField([](Vec3f p) { return 0.6f - geom::norm(p); }, kCube);
    const auto r = extract_mesh(field, {.resolution_0 = 16});
    EXPECT_TRUE(r.report.outward && r.report.manifold());
    EXPECT_EQ(r.report.euler_characteristic, 2);
    EXPECT_EQ(r.report.degenerate_faces, 0u);
    const double h = 1.1 / 64;
    std::size_t on_wall = 0;
    for (std::size_t v = 0; v < r.mesh.vertices.size(); ++v) {
        const auto& p = r.mesh.vertices[v];
        const double reach = std::max({std::abs(p.x), std::abs(p.y), std::abs(p.z)});
        EXPECT_LT(reach, 0.55 + 1.1e-3 * h);
        if (reach > 0.55 + 1e-5 * h) {
            ++on_wall;
            const auto& n = r.mesh.normals[v];
            EXPECT_EQ(std::max({std::abs(n.x), std::abs(n.y), std::abs(n.z)}), 1.0f);
            EXPECT_GT(geom::dot(Vec3d(n), p), 0.5);
        }
    }
    EXPECT_GT(on_wall, 100u);
    const auto open = extract_mesh(field, {.resolution_0 = 16, .close_border = false});
    EXPECT_FALSE(open.report.closed);
    EXPECT_GT(open.report.boundary_edges, 0u);
    EXPECT_TRUE(open.report.manifold());
}

// Rounded values tie with the level at many samples, and root finding then cannot bracket; the mesh stays sound.
TEST(ExtractMesh, FieldsFullOfTiesStayClosedAndManifold) {
    Rng rng(5);
    for (int trial = 0; trial < 12; ++trial) {
        const Vec3f a{static_cast<float>(rng.normal()), static_cast<float>(rng.normal()),
                      static_cast<float>(rng.normal())};
        auto field = FunctionField(
            [=](Vec3f p) {
                return std::round(2 * (std::sin(9 * p.x + a.x) + std::cos(11 * p.y + a.y) + std::sin(8 * p.z * a.z))) /
                       2;
            },
            kCube);
        for (const bool dense : {false, true}) {
            const auto r = extract_mesh(field, {.resolution_0 = 9, .upsampling = 1, .dense = dense});
            ASSERT_FALSE(r.mesh.empty());
            EXPECT_TRUE(r.report.outward && r.report.manifold()) << r.report.summary();
            EXPECT_EQ(r.report.degenerate_faces, 0u);
            for (const auto& n : r.mesh.normals) EXPECT_NEAR(geom::norm(n), 1, 1e-5);
        }
    }
}

TEST(ExtractMesh, SeedsFindAThinPlate) {
    // 0.5 mm of a 1.1 m cube between two coarse samples.
    auto field = FunctionField(
        [](Vec3f p) {
            return std::min({0.01f - std::abs(p.x - 0.0172f), 0.3f - std::abs(p.y), 0.3f - std::abs(p.z)});
        },
        kCube);
    EXPECT_TRUE(extract_mesh(field).mesh.empty());
    ExtractOptions options;
    Rng rng(1);
    for (int i = 0; i < 300; ++i) {
        options.seeds.push_back({0.0172f + (rng.coin(0.5) ? 0.01f : -0.01f), static_cast<float>(rng.uniform(-0.3, 0.3)),
                                 static_cast<float>(rng.uniform(-0.3, 0.3))});
    }
    const auto r = extract_mesh(field, options);
    EXPECT_TRUE(r.report.outward);
    EXPECT_EQ(r.report.components, 1u);
    EXPECT_NEAR(r.report.signed_volume, 0.02 * 0.6 * 0.6, 2e-4);
    EXPECT_LT(r.queried_points, 400000u);
}

TEST(ExtractMesh, ThreadsAndBatchesDoNotChangeTheResult) {
    auto field = FunctionField(
        [](Vec3f p) { return std::sin(20 * p.x) * std::cos(17 * p.y) + std::sin(23 * p.z) - 0.2f; }, kCube);
    set_threads(1);
    const auto one = extract_mesh(field, {.resolution_0 = 20});
    set_threads(3);
    const auto three = extract_mesh(field, {.resolution_0 = 20, .batch = 1000});
    set_threads(0);
    EXPECT_EQ(one.mesh.vertices, three.mesh.vertices);
    EXPECT_EQ(one.mesh.faces, three.mesh.faces);
    EXPECT_EQ(one.mesh.normals, three.mesh.normals);
}

TEST(ExtractMesh, EmptySurfaceSaysItsRange) {
    auto field = FunctionField([](Vec3f p) { return -1 - p.x; }, kCube);
    const auto r = extract_mesh(field);
    EXPECT_TRUE(r.mesh.empty());
    EXPECT_FALSE(r.report.closed);
    EXPECT_NEAR(r.lowest, -1.55f, 1e-5f);
    EXPECT_NEAR(r.highest, -0.45f, 1e-5f);
}

class StopAfter final : public Progress {
public:
    explicit StopAfter(int n) : left_(n) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t) override { return left_-- > 0; }
    void end() override {}

private:
    int left_;
};

TEST(ExtractMesh, StopsAndRefuses) {
    auto field = steep_sphere(0.3f);
    StopAfter soon(3);
    try {
        extract_mesh(field, {.batch = 500}, soon);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::cancelled);
    }
    EXPECT_THROW(extract_mesh(field, {.resolution_0 = 0}), Error);
    EXPECT_THROW(extract_mesh(field, {.resolution_0 = 4096, .upsampling = 1}), Error);
    EXPECT_THROW(extract_mesh(field, {.level = std::numeric_limits<double>::infinity()}), Error);
    EXPECT_THROW(extract_mesh(field, {.domain = geom::Box3d{{0, 0, 0}, {1, 0, 1}}}), Error);
    auto broken = FunctionField([](Vec3f p) { return p.x > 0.5f ? std::nanf("") : 1.0f; }, kCube);
    for (const bool dense : {false, true}) {
        try {
            extract_mesh(broken, {.resolution_0 = 8, .dense = dense});
            FAIL();
        } catch (const Error& e) {
            EXPECT_EQ(e.kind(), ErrorKind::numeric);
            EXPECT_THAT(e.what(), testing::HasSubstr("not a number at (0.5"));
        }
    }
}

geom::VoxelGrid sphere_grid(int n, double radius, Vec3d origin, Vec3d spacing) {
    geom::VoxelGrid g{{n, n + 1, n + 2}, origin, spacing, {}};
    for (int x = 0; x < n; ++x) {
        for (int y = 0; y < n + 1; ++y) {
            for (int z = 0; z < n + 2; ++z) {
                const Vec3d p = Vec3d{x + 0.0, y + 0.0, z + 0.0} * spacing - Vec3d{0.5, 0.5, 0.5};
                g.values.push_back(static_cast<float>(radius - geom::norm(p)));
            }
        }
    }
    return g;
}

TEST(ExtractMeshOfGrid, SphereFarFromTheOrigin) {
    const Vec3d origin{4e6, -5e5, 300};
    const auto grid = sphere_grid(41, 0.3, origin, {1 / 40.0, 1 / 40.0, 1 / 40.0});
    const auto r = extract_mesh(grid);
    EXPECT_TRUE(r.report.outward && r.report.manifold());
    EXPECT_NEAR(r.report.signed_volume, 4.0 / 3.0 * std::numbers::pi * 0.027, 6e-4);
    for (std::size_t v = 0; v < r.mesh.vertices.size(); ++v) {
        const Vec3d radial = r.mesh.vertices[v] - origin - Vec3d{0.5, 0.5, 0.5};
        EXPECT_NEAR(geom::norm(radial), 0.3, 1e-3);
        EXPECT_GT(geom::dot(geom::normalized(radial), Vec3d(r.mesh.normals[v])), 0.995);
    }
}

TEST(ExtractMeshOfGrid, ClosedAtTheBorderAndRefusesNonsense) {
    auto grid = sphere_grid(9, 0.7, {}, {1 / 8.0, 1 / 8.0, 1 / 8.0});
    EXPECT_TRUE(extract_mesh(grid).report.outward);
    EXPECT_FALSE(extract_mesh(grid, {.close_border = false}).report.closed);
    EXPECT_TRUE(extract_mesh(grid, {.level = 5}).mesh.empty());
    grid.values[(3 * 10 + 2) * 11 + 5] = std::nanf("");
    try {
        extract_mesh(grid);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::input);
        EXPECT_THAT(e.what(), testing::HasSubstr("(3, 2, 5)"));
    }
    grid.values.pop_back();
    EXPECT_THROW(extract_mesh(grid), Error);
    grid = sphere_grid(9, 0.7, {}, {1, 1, 1});
    grid.spacing.y = 0;
    EXPECT_THROW(extract_mesh(grid), Error);
    EXPECT_THROW(GridField(grid, 0), Error);
}

TEST(GridField, IsExactForTrilinearFunctions) {
    geom::VoxelGrid g{{4, 5, 6}, {1, 2, 3}, {0.5, 0.25, 2}, {}};
    const auto f = [](Vec3d p) { return 1 + 2 * p.x - p.y + 0.5 * p.z + p.x * p.y - 0.1 * p.x * p.y * p.z; };
    for (int x = 0; x < 4; ++x) {
        for (int y = 0; y < 5; ++y) {
            for (int z = 0; z < 6; ++z)
                g.values.push_back(static_cast<float>(f({1 + 0.5 * x, 2 + 0.25 * y, 3 + 2.0 * z})));
        }
    }
    const GridField field(g, 0.5f);
    EXPECT_EQ(field.iso(), 0.5f);
    EXPECT_EQ(field.domain().lo, (Vec3f{1, 2, 3}));
    EXPECT_EQ(field.domain().hi, (Vec3f{2.5f, 3, 13}));
    Rng rng(2);
    std::vector<Vec3f> points(257), gradients(257);
    std::vector<float> values(257);
    for (auto& p : points) {
        p = {static_cast<float>(rng.uniform(1.5, 2)), static_cast<float>(rng.uniform(2.25, 2.75)),
             static_cast<float>(rng.uniform(5, 11))};
    }
    field.values(points, values);
    field.gradients(points, gradients);
    for (std::size_t i = 0; i < points.size(); ++i) {
        const Vec3d p(points[i]);
        EXPECT_NEAR(values[i], f(p), 1e-5);
        EXPECT_NEAR(gradients[i].x, 2 + p.y - 0.1 * p.y * p.z, 1e-4);
        EXPECT_NEAR(gradients[i].y, -1 + p.x - 0.1 * p.x * p.z, 1e-4);
        EXPECT_NEAR(gradients[i].z, 0.5 - 0.1 * p.x * p.y, 1e-4);
    }
    // Outside: the nearest point of the domain. NaN: NaN.
    points = {{-7, 2.5f, 4}, {std::nanf(""), 2, 3}};
    values.resize(2);
    field.values(points, values);
    EXPECT_NEAR(values[0], f({1, 2.5, 4}), 1e-5);
    EXPECT_TRUE(std::isnan(values[1]));
    field.values({}, {});
}

}  // namespace
}  // namespace nir::extract
