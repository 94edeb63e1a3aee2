// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/orient.h"

#include "nir/base/rng.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/sampling.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

namespace nir::geom {
namespace {

/// Every triangle with corners of its own.
TriMesh soup_of(const TriMesh& mesh) {
    TriMesh out;
    for (const auto& f : mesh.faces) {
        const auto n = static_cast<std::uint32_t>(out.vertices.size());
        for (const auto v : f) out.vertices.push_back(mesh.vertices[v]);
        out.faces.push_back({n, n + 1, n + 2});
    }
    return out;
}

TEST(WeldVertices, SoupBecomesASurface) {
    const TriMesh torus = testing::make_torus(0.5, 0.2, 24, 12);
    const TriMesh soup = soup_of(torus);
    EXPECT_FALSE(check_mesh(soup).closed);
    const TriMesh welded = weld_vertices(soup);
    EXPECT_EQ(welded.vertices.size(), torus.vertices.size());
    EXPECT_EQ(welded.faces.size(), torus.faces.size());
    EXPECT_TRUE(check_mesh(welded).watertight());
    EXPECT_NEAR(signed_volume(welded), signed_volume(torus), 1e-12);
}

TEST(WeldVertices, MinusZeroIsZeroAndNaNIsNobody) {
    TriMesh m;
    const double nan = std::nan("");
    m.vertices = {{0.0, 0, 0}, {-0.0, 0, 0}, {nan, 0, 0}, {nan, 0, 0}};
    m.faces = {{0, 1, 2}, {1, 2, 3}};
    const TriMesh w = weld_vertices(m);
    EXPECT_EQ(w.vertices.size(), 3u);
    EXPECT_EQ(w.faces[0][0], w.faces[0][1]);
    EXPECT_NE(w.faces[1][1], w.faces[1][2]);
}

TEST(OrientFaces, RandomlyTurnedFacesLookOutwardsAgain) {
    for (const TriMesh& good : {testing::make_sphere(0.5, 12), testing::make_torus(0.5, 0.2, 24, 12)}) {
        TriMesh m = good;
        Rng rng(4);
        std::size_t turned = 0;
        for (auto& f : m.faces)
            if (rng.coin(0.4)) std::swap(f[0], f[1]), ++turned;
        const OrientReport r = orient_faces(m);
        EXPECT_EQ(r.turned, turned);
        EXPECT_EQ(r.components, 1u);
        EXPECT_EQ(r.not_orientable, 0u);
        EXPECT_TRUE(check_mesh(m).outward);
        EXPECT_NEAR(signed_volume(m), signed_volume(good), 1e-12);
    }
}

TEST(OrientFaces, CavitiesStay) {
    TriMesh m = testing::make_sphere(0.5, 12);
    TriMesh cavity = testing::make_sphere(0.3, 12);
    flip_faces(cavity);
    const double hollow = signed_volume(m) + signed_volume(cavity);
    testing::append(m, cavity);
    EXPECT_EQ(orient_faces(m).turned, 0u);
    EXPECT_NEAR(signed_volume(m), hollow, 1e-12);
}

TEST(OrientFaces, MoebiusStripIsNamed) {
    TriMesh m;
    const std::uint32_t n = 12;
    for (std::uint32_t i = 0; i < n; ++i) {
        const double a = 2 * M_PI * i / n, t = a / 2;
        for (const double w : {-0.2, 0.2})
            m.vertices.push_back(
                {(1 + w * std::cos(t)) * std::cos(a), (1 + w * std::cos(t)) * std::sin(a), w * std::sin(t)});
    }
    for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint32_t a = 2 * i, b = a + 1;
        const std::uint32_t c = i + 1 < n ? a + 2 : 1, d = i + 1 < n ? a + 3 : 0;  // the last one is twisted
        m.faces.push_back({a, c, b}), m.faces.push_back({b, c, d});
    }
    EXPECT_EQ(orient_faces(m).not_orientable, 1u);
}

}  // namespace
}  // namespace nir::geom
