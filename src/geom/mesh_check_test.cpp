// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/mesh_check.h"

#include "nir/base/error.h"

#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

using nir::testing::append;
using nir::testing::make_box;
using nir::testing::make_sphere;
using nir::testing::make_torus;

TEST(MeshCheck, Sphere) {
    double former = 0;
    for (const std::uint32_t n : {16u, 32u, 64u}) {
        const auto r = check_mesh(make_sphere(2.0, n, {100, -50, 3}));
        EXPECT_TRUE(r.closed && r.oriented && r.outward && r.manifold() && r.watertight());
        EXPECT_EQ(r.euler_characteristic, 2);
        EXPECT_EQ(r.genus(), 0);
        EXPECT_EQ(r.components, 1u);
        EXPECT_EQ(r.edges * 2, r.faces * 3);
        const double error = 1 - r.signed_volume / (32.0 / 3.0 * std::numbers::pi);
        if (former > 0) {
            EXPECT_NEAR(former / error, 4.0, 0.1);
        }
        former = error;
        EXPECT_NEAR(r.area / (16 * std::numbers::pi), 1.0, 5.0 / (n * n));
        EXPECT_EQ(r.summary(), "closed, 1 component, genus 0");
    }
}

TEST(MeshCheck, TorusHasGenusOne) {
    const auto r = check_mesh(make_torus(3, 1, 200, 100));
    EXPECT_EQ(r.euler_characteristic, 0);
    EXPECT_EQ(r.genus(), 1);
    EXPECT_NEAR(r.signed_volume, 6 * std::numbers::pi * std::numbers::pi, 0.1);
    EXPECT_NEAR(r.area, 12 * std::numbers::pi * std::numbers::pi, 0.1);
}

TEST(MeshCheck, TwoPieces) {
    auto m = make_torus(3, 1, 20, 10);
    append(m, make_box({10, 0, 0}, {11, 2, 3}));
    const auto r = check_mesh(m);
    EXPECT_EQ(r.components, 2u);
    EXPECT_EQ(r.euler_characteristic, 2);
    EXPECT_EQ(r.genus(), 1);
    EXPECT_TRUE(r.outward);
}

TEST(MeshCheck, InsideOut) {
    auto m = make_box({0, 0, 0}, {1, 2, 3});
    EXPECT_DOUBLE_EQ(check_mesh(m).signed_volume, 6);
    EXPECT_DOUBLE_EQ(check_mesh(m).area, 22);
    for (auto& f : m.faces) std::swap(f[0], f[1]);
    const auto r = check_mesh(m);
    EXPECT_TRUE(r.closed && r.oriented);
    EXPECT_FALSE(r.outward);
    EXPECT_DOUBLE_EQ(r.signed_volume, -6);
    EXPECT_THAT(r.summary(), ::testing::HasSubstr("inside out"));
}

TEST(MeshCheck, HoleAndFlippedFace) {
    auto m = make_box({0, 0, 0}, {1, 1, 1});
    std::swap(m.faces[3][0], m.faces[3][1]);
    auto r = check_mesh(m);
    EXPECT_TRUE(r.closed);
    EXPECT_FALSE(r.oriented);
    EXPECT_EQ(r.misoriented_edges, 3u);
    m = make_box({0, 0, 0}, {1, 1, 1});
    m.faces.pop_back();
    r = check_mesh(m);
    EXPECT_FALSE(r.closed);
    EXPECT_FALSE(r.outward);
    EXPECT_EQ(r.boundary_edges, 3u);
    EXPECT_EQ(r.euler_characteristic, 1);
    EXPECT_EQ(r.genus(), -1);
    EXPECT_TRUE(r.oriented && r.manifold());
}

TEST(MeshCheck, NonManifoldEdgeAndVertex) {
    // Two tetrahedra that share an edge, and two that share a vertex only.
    const std::vector<Triangle> tetrahedron = {{0, 2, 1}, {0, 1, 3}, {1, 2, 3}, {2, 0, 3}};
    TriMesh m;
    m.vertices = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, -1, 0}, {0, 0, -1}};
    m.faces = tetrahedron;
    for (auto f : tetrahedron) {
        for (auto& v : f) v = v < 2 ? v : v + 2;
        m.faces.push_back(f);
    }
    auto r = check_mesh(m);
    EXPECT_EQ(r.non_manifold_edges, 1u);
    EXPECT_FALSE(r.closed);
    EXPECT_EQ(r.components, 1u);

    m.vertices = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {-1, 0, 0}, {0, -1, 0}, {0, 0, -1}};
    m.faces = tetrahedron;
    for (auto f : tetrahedron) {
        for (auto& v : f) v = v < 1 ? v : v + 3;
        m.faces.push_back(f);
    }
    r = check_mesh(m);
    EXPECT_EQ(r.non_manifold_edges, 0u);
    EXPECT_EQ(r.non_manifold_vertices, 1u);
    EXPECT_TRUE(r.closed);
    EXPECT_FALSE(r.manifold());
    EXPECT_EQ(r.components, 2u);
    EXPECT_EQ(r.genus(), -1);
    EXPECT_THAT(r.summary(), ::testing::HasSubstr("1 non-manifold vertex"));
}

TEST(MeshCheck, DegenerateAndDuplicateFaces) {
    auto m = make_box({0, 0, 0}, {1, 1, 1});
    m.vertices.push_back({0.5, 0, 0});
    m.vertices.push_back({9, 9, 9});
    m.faces.push_back({0, 0, 1});
    m.faces.push_back({0, 8, 1});                                      // on a line
    m.faces.push_back({m.faces[0][2], m.faces[0][0], m.faces[0][1]});  // the same
    m.faces.push_back({m.faces[5][1], m.faces[5][0], m.faces[5][2]});  // turned round
    m.faces.push_back({m.faces[5][1], m.faces[5][0], m.faces[5][2]});  // once more
    const auto r = check_mesh(m);
    EXPECT_EQ(r.degenerate_faces, 2u);
    EXPECT_EQ(r.duplicate_faces, 3u);
    EXPECT_EQ(r.unused_vertices, 1u);
    EXPECT_FALSE(r.closed);
}

TEST(MeshCheck, EmptyAndBroken) {
    const auto r = check_mesh({});
    EXPECT_FALSE(r.closed);
    EXPECT_FALSE(r.outward);
    EXPECT_EQ(r.summary(), "no faces");
    TriMesh m;
    m.vertices.resize(3);
    m.faces = {{0, 1, 2}, {0, 1, 3}};
    try {
        check_mesh(m);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::input);
        EXPECT_THAT(e.what(), ::testing::HasSubstr("face 1 names vertex 3"));
    }
}

}  // namespace
}  // namespace nir::geom
