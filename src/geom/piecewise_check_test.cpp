// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/piecewise_check.h"

#include "nir/base/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <numbers>

namespace nir::geom {
namespace {

TriMesh torus(int n, int m, Vec3d at = {}) {
    TriMesh mesh;
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < m; ++j) {
            const double u = 2 * std::numbers::pi * i / n, v = 2 * std::numbers::pi * j / m;
            mesh.vertices.push_back(
                at + Vec3d{(3 + std::cos(v)) * std::cos(u), (3 + std::cos(v)) * std::sin(u), std::sin(v)});
        }
    const auto id = [&](int i, int j) { return static_cast<std::uint32_t>((i % n) * m + j % m); };
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < m; ++j) {
            mesh.faces.push_back({id(i, j), id(i + 1, j), id(i + 1, j + 1)});
            mesh.faces.push_back({id(i, j), id(i + 1, j + 1), id(i, j + 1)});
        }
    return mesh;
}

void append(TriMesh& to, const TriMesh& mesh) {
    const auto first = static_cast<std::uint32_t>(to.vertices.size());
    to.vertices.insert(to.vertices.end(), mesh.vertices.begin(), mesh.vertices.end());
    for (const auto& f : mesh.faces) to.faces.push_back({f[0] + first, f[1] + first, f[2] + first});
}

/// The mesh with its faces dealt out to pieces at random; open is what several pieces name.
MeshReport in_pieces(const TriMesh& mesh, std::size_t n_pieces, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<std::vector<Triangle>> faces(n_pieces);
    for (const auto& f : mesh.faces) faces[rng.below(n_pieces)].push_back(f);
    std::vector<std::size_t> named(mesh.vertices.size(), 0), last(mesh.vertices.size(), n_pieces);
    for (std::size_t p = 0; p < n_pieces; ++p)
        for (const auto& f : faces[p])
            for (const auto v : f)
                if (last[v] != p) ++named[v], last[v] = p;
    PiecewiseCheck check;
    for (const auto& mine : faces) {
        std::map<std::uint32_t, std::uint32_t> local;
        std::vector<Vec3d> vertices;
        std::vector<std::uint32_t> number;
        std::vector<std::uint8_t> open;
        std::vector<Triangle> renamed;
        for (const auto& f : mine) {
            Triangle t{};
            // From the back, so that the local order is not that of the whole.
            for (std::size_t k = 3; k-- > 0;) {
                const auto [at, is_new] = local.emplace(f[k], static_cast<std::uint32_t>(vertices.size()));
                if (is_new) {
                    vertices.push_back(mesh.vertices[f[k]]);
                    number.push_back(f[k]);
                    open.push_back(named[f[k]] > 1 || rng.below(9) == 0);  // open for nothing does no harm
                }
                t[k] = at->second;
            }
            renamed.push_back(t);
        }
        check.add({vertices, renamed, number, open});
    }
    return check.finish(mesh.vertices.size());
}

void expect_equal(const MeshReport& a, const MeshReport& b) {
    EXPECT_EQ(a.vertices, b.vertices);
    EXPECT_EQ(a.faces, b.faces);
    EXPECT_EQ(a.edges, b.edges);
    EXPECT_EQ(a.unused_vertices, b.unused_vertices);
    EXPECT_EQ(a.boundary_edges, b.boundary_edges);
    EXPECT_EQ(a.non_manifold_edges, b.non_manifold_edges);
    EXPECT_EQ(a.misoriented_edges, b.misoriented_edges);
    EXPECT_EQ(a.non_manifold_vertices, b.non_manifold_vertices);
    EXPECT_EQ(a.degenerate_faces, b.degenerate_faces);
    EXPECT_EQ(a.duplicate_faces, b.duplicate_faces);
    EXPECT_EQ(a.components, b.components);
    EXPECT_EQ(a.euler_characteristic, b.euler_characteristic);
    EXPECT_NEAR(a.area, b.area, 1e-9 * a.area);
    EXPECT_NEAR(a.signed_volume, b.signed_volume, 1e-9 * a.area);
    EXPECT_EQ(a.closed, b.closed);
    EXPECT_EQ(a.oriented, b.oriented);
    EXPECT_EQ(a.outward, b.outward);
    EXPECT_EQ(a.genus(), b.genus());
    EXPECT_EQ(a.summary(), b.summary());
}

std::vector<TriMesh> bodies() {
    std::vector<TriMesh> all;
    all.push_back(torus(12, 7));                                     // closed
    append(all.emplace_back(torus(9, 5)), torus(5, 5, {20, 0, 0}));  // two components
    all.push_back(torus(10, 6));                                     // open: every eleventh face is missing
    std::erase_if(all.back().faces, [i = 0](const Triangle&) mutable { return ++i % 11 == 0; });
    all.push_back(torus(8, 8));  // a turned face, one twice, one the other way round too, one thin
    auto& broken = all.back();
    std::swap(broken.faces[3][0], broken.faces[3][1]);
    broken.faces.push_back(broken.faces[7]);
    broken.faces.push_back({broken.faces[20][1], broken.faces[20][0], broken.faces[20][2]});
    broken.faces.push_back({5, 5, 9});
    broken.faces.push_back({1, 2, 40});    // edges with three faces
    broken.vertices.push_back({0, 0, 0});  // named by none
    TriMesh fans;                          // two fans that meet at a vertex, then a book of three pages
    fans.vertices = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {-1, 0, 0}, {0, -1, 0}, {0, 0, 1}, {1, 1, 1}, {2, 1, 1}};
    fans.faces = {{0, 1, 2}, {0, 3, 4}, {5, 6, 7}, {5, 6, 1}, {5, 6, 2}};
    all.push_back(fans);
    all.push_back({});
    return all;
}

TEST(PiecewiseCheck, SaysWhatTheCheckOfTheWholeSays) {
    for (const TriMesh& mesh : bodies()) {
        const MeshReport whole = check_mesh(mesh);
        for (const std::size_t pieces : {1u, 2u, 5u, 40u})
            for (std::uint64_t seed = 1; seed < 4; ++seed) {
                SCOPED_TRACE(whole.summary() + " in " + std::to_string(pieces));
                expect_equal(whole, in_pieces(mesh, pieces, seed));
            }
    }
}

}  // namespace
}  // namespace nir::geom
