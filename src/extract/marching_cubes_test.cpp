// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/marching_cubes.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/geom/mesh_check.h"

#include "extract/marching_cubes_tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <utility>

namespace nir::extract {
namespace {

using geom::Vec3d;
using geom::Vec3i;

using Edge = std::pair<int, int>;

bool share_face(int e, int f) {
    const auto face_of = [](int edge) {
        std::set<std::pair<int, int>> faces;  // (axis, side)
        const auto& c = mc::kEdge[static_cast<std::size_t>(edge)];
        const int lo[3] = {c.x, c.y, c.z};
        for (int a = 0; a < 3; ++a) {
            if (a != c.axis) faces.insert({a, lo[a]});
        }
        return faces;
    };
    for (const auto& a : face_of(e)) {
        if (face_of(f).contains(a)) return true;
    }
    return false;
}

/// Directed edges of the triangles of a configuration that no other triangle of it uses the other way round.
std::set<Edge> rim(unsigned configuration) {
    std::set<Edge> edges;
    const auto& t = mc::kTriangles[configuration];
    for (std::size_t i = 0; i < t.count; ++i) {
        for (std::size_t k = 0; k < 3; ++k) {
            const Edge e{t.edges[3 * i + k], t.edges[3 * i + (k + 1) % 3]};
            EXPECT_TRUE(edges.insert(e).second) << "configuration " << configuration << " uses an edge twice";
        }
    }
    std::set<Edge> open;
    for (const auto& e : edges) {
        if (!edges.contains({e.second, e.first})) open.insert(e);
    }
    return open;
}

TEST(MarchingCubesTable, UsesExactlyTheCutEdges) {
    for (unsigned c = 0; c < 256; ++c) {
        unsigned used = 0;
        const auto& t = mc::kTriangles[c];
        for (std::size_t i = 0; i < 3u * t.count; ++i) used |= 1u << t.edges[i];
        EXPECT_EQ(used, mc::kCutEdges[c]) << c;
    }
}

// Every cell is a set of discs: each cut edge lies on one rim, once in and once out, and V - E + F = 1 per rim loop.
TEST(MarchingCubesTable, CellsAreDiscs) {
    for (unsigned c = 0; c < 256; ++c) {
        const auto open = rim(c);
        std::map<int, int> next;
        for (const auto& [a, b] : open) EXPECT_TRUE(next.emplace(a, b).second) << c;
        std::set<int> seen;
        int loops = 0;
        for (const auto& [start, unused] : next) {
            if (seen.contains(start)) continue;
            ++loops;
            for (int at = start; seen.insert(at).second;) {
                ASSERT_TRUE(next.contains(at)) << c;
                at = next[at];
            }
        }
        const int vertices = static_cast<int>(next.size());
        EXPECT_EQ(mc::kTriangles[c].count, vertices - 2 * loops) << c;
    }
}

// Inner edges of a cell join cut edges without a common face, so that no other cell can hold the same edge; rim edges
// lie on exactly one face.
TEST(MarchingCubesTable, InnerEdgesNeverLieOnAFace) {
    for (unsigned c = 0; c < 256; ++c) {
        const auto open = rim(c);
        const auto& t = mc::kTriangles[c];
        for (std::size_t i = 0; i < t.count; ++i) {
            for (std::size_t k = 0; k < 3; ++k) {
                const Edge e{t.edges[3 * i + k], t.edges[3 * i + (k + 1) % 3]};
                EXPECT_EQ(share_face(e.first, e.second), open.contains(e)) << c << ": " << e.first << " " << e.second;
            }
        }
    }
}

// All 4096 pairs of neighbouring configurations along each axis: the rims on the common face cancel.
TEST(MarchingCubesTable, NeighboursAgreeOnTheirCommonFace) {
    for (int axis = 0; axis < 3; ++axis) {
        const auto corner_at = [](int x, int y, int z) {
            for (int i = 0; i < 8; ++i) {
                if (mc::kCorner[static_cast<std::size_t>(i)] == std::array<int, 3>{x, y, z}) return i;
            }
            return -1;
        };
        const auto mirror_edge = [&](int edge) {  // the edge of the upper neighbour that is this edge of the lower cell
            auto e = mc::kEdge[static_cast<std::size_t>(edge)];
            (axis == 0 ? e.x : axis == 1 ? e.y : e.z) -= 1;
            for (int i = 0; i < 12; ++i) {
                const auto& f = mc::kEdge[static_cast<std::size_t>(i)];
                if (f.x == e.x && f.y == e.y && f.z == e.z && f.axis == e.axis) return i;
            }
            return -1;
        };
        for (unsigned low = 0; low < 256; ++low) {
            for (unsigned high = 0; high < 256; ++high) {
                bool fit = true;
                for (int i = 0; i < 8; ++i) {
                    auto p = mc::kCorner[static_cast<std::size_t>(i)];
                    if (p[static_cast<std::size_t>(axis)] == 0) continue;
                    p[static_cast<std::size_t>(axis)] = 0;
                    fit = fit && ((low >> i & 1u) == (high >> corner_at(p[0], p[1], p[2]) & 1u));
                }
                if (!fit) continue;
                const auto on_face = [&](int edge, int side) {
                    const auto& e = mc::kEdge[static_cast<std::size_t>(edge)];
                    return e.axis != axis && (axis == 0 ? e.x : axis == 1 ? e.y : e.z) == side;
                };
                std::set<Edge> from_low, from_high;
                for (const auto& [a, b] : rim(low)) {
                    if (on_face(a, 1) && on_face(b, 1)) from_low.insert({mirror_edge(a), mirror_edge(b)});
                }
                for (const auto& [a, b] : rim(high)) {
                    if (on_face(a, 0) && on_face(b, 0)) from_high.insert({b, a});
                }
                ASSERT_EQ(from_low, from_high) << "axis " << axis << ", configurations " << low << " and " << high;
            }
        }
    }
}

std::vector<double> sample_sphere(int n, double radius, Vec3d center, double level = 0) {
    std::vector<double> v;
    for (int x = 0; x < n; ++x) {
        for (int y = 0; y < n; ++y) {
            for (int z = 0; z < n; ++z)
                v.push_back(level + radius - geom::norm(Vec3d{1.0 * x, 1.0 * y, 1.0 * z} - center));
        }
    }
    return v;
}

TEST(MarchingCubes, SphereIsClosedAndItsVolumeErrorIsOfSecondOrder) {
    double former = 0;
    for (const int n : {17, 33, 65}) {
        const double r = 0.35 * (n - 1);
        const Vec3d c{0.5 * (n - 1), 0.49 * (n - 1), 0.48 * (n - 1)};
        const auto mesh = marching_cubes(sample_sphere(n, r, c, 3.0), {n, n, n}, {.level = 3.0}).mesh;
        const auto report = geom::check_mesh(mesh);
        EXPECT_TRUE(report.closed && report.oriented && report.outward && report.manifold());
        EXPECT_EQ(report.euler_characteristic, 2);
        EXPECT_EQ(report.components, 1u);
        EXPECT_EQ(report.degenerate_faces, 0u);
        const double exact = 4.0 / 3.0 * std::numbers::pi * r * r * r;
        const double error = std::abs(report.signed_volume / exact - 1);
        if (former > 0) {
            EXPECT_NEAR(former / error, 4.0, 0.8) << n;
        }
        former = error;
    }
}

TEST(MarchingCubes, RandomVolumesWithTiesAreManifoldAndClosed) {
    Rng rng(7);
    for (int trial = 0; trial < 60; ++trial) {
        const Vec3i size{3 + static_cast<int>(rng.below(9)), 2 + static_cast<int>(rng.below(9)),
                         2 + static_cast<int>(rng.below(21))};
        std::vector<float> v(static_cast<std::size_t>(size.x) * static_cast<std::size_t>(size.y) *
                             static_cast<std::size_t>(size.z));
        // A few levels only: many samples sit exactly on the level.
        for (auto& f : v) f = static_cast<float>(rng.below(trial % 3 == 0 ? 3 : 100)) - (trial % 3 == 0 ? 1.0f : 50.0f);
        const auto result = marching_cubes(v, size, {.pad_value = -1e6, .keep_edges = true});
        ASSERT_EQ(result.edges.size(), result.mesh.vertices.size());
        const auto report = geom::check_mesh(result.mesh);
        EXPECT_TRUE(report.closed && report.oriented && report.outward) << trial;
        EXPECT_EQ(report.non_manifold_edges, 0u);
        EXPECT_EQ(report.non_manifold_vertices, 0u);
        EXPECT_EQ(report.degenerate_faces, 0u);
        EXPECT_EQ(report.duplicate_faces, 0u);
        // Vertices stay apart even after rounding, so that tools that merge equal positions keep the topology.
        std::set<std::array<float, 3>> distinct;
        for (const auto& p : result.mesh.vertices) {
            distinct.insert({static_cast<float>(p.x), static_cast<float>(p.y), static_cast<float>(p.z)});
        }
        EXPECT_EQ(distinct.size(), result.mesh.vertices.size());
    }
}

TEST(MarchingCubes, UnpaddedRandomVolumesAreManifoldWithBoundary) {
    Rng rng(8);
    for (int trial = 0; trial < 20; ++trial) {
        const Vec3i size{2 + static_cast<int>(rng.below(30)), 2 + static_cast<int>(rng.below(6)),
                         2 + static_cast<int>(rng.below(6))};
        std::vector<double> v(static_cast<std::size_t>(size.x) * static_cast<std::size_t>(size.y) *
                              static_cast<std::size_t>(size.z));
        for (auto& f : v) f = rng.uniform(-1, 1);
        const auto report = geom::check_mesh(marching_cubes(v, size).mesh);
        EXPECT_EQ(report.non_manifold_edges, 0u);
        EXPECT_EQ(report.non_manifold_vertices, 0u);
        EXPECT_TRUE(report.oriented);
    }
}

TEST(MarchingCubes, ThreadsDoNotChangeTheResult) {
    Rng rng(9);
    const Vec3i size{70, 9, 13};
    std::vector<float> v(70 * 9 * 13);
    for (auto& f : v) f = static_cast<float>(rng.normal());
    set_threads(1);
    const auto one = marching_cubes(v, size, {.pad_value = -100.0}).mesh;
    set_threads(3);
    const auto three = marching_cubes(v, size, {.pad_value = -100.0}).mesh;
    set_threads(0);
    EXPECT_EQ(one.vertices, three.vertices);
    EXPECT_EQ(one.faces, three.faces);
}

// Vertices appear in the order in which cells (x, y, z nested) first meet their lattice edge; within a cell 6, 5, 10,
// ...
TEST(MarchingCubes, OrderIsThatOfTheNestedLoops) {
    Rng rng(10);
    const Vec3i size{21, 5, 6};
    std::vector<double> v(21 * 5 * 6);
    for (auto& f : v) f = rng.uniform(-1, 1);
    const auto result = marching_cubes(v, size, {.keep_edges = true});
    std::map<std::array<int, 4>, std::uint32_t> ids;
    std::vector<geom::Triangle> faces;
    const auto at = [&](int x, int y, int z) { return v[static_cast<std::size_t>((x * 5 + y) * 6 + z)]; };
    for (int x = 0; x + 1 < 21; ++x) {
        for (int y = 0; y + 1 < 5; ++y) {
            for (int z = 0; z + 1 < 6; ++z) {
                unsigned c = 0;
                for (unsigned m = 0; m < 8; ++m) {
                    const auto& k = mc::kCorner[m];
                    if (at(x + k[0], y + k[1], z + k[2]) <= 0) c |= 1u << m;
                }
                const auto key = [&](std::size_t e) {
                    return std::array<int, 4>{x + mc::kEdge[e].x, y + mc::kEdge[e].y, z + mc::kEdge[e].z,
                                              mc::kEdge[e].axis};
                };
                for (const int e : mc::kEdgeOrder) {
                    if (mc::kCutEdges[c] >> e & 1u) {
                        ids.emplace(key(static_cast<std::size_t>(e)), static_cast<std::uint32_t>(ids.size()));
                    }
                }
                for (std::size_t i = 0; i < mc::kTriangles[c].count; ++i) {
                    geom::Triangle f;
                    for (std::size_t k = 0; k < 3; ++k) f[k] = ids.at(key(mc::kTriangles[c].edges[3 * i + k]));
                    faces.push_back(f);
                }
            }
        }
    }
    EXPECT_EQ(result.mesh.faces, faces);
    ASSERT_EQ(result.edges.size(), ids.size());
    for (const auto& [key, id] : ids) {
        const auto& e = result.edges[id];
        EXPECT_EQ((std::array<int, 4>{e.lo.x, e.lo.y, e.lo.z, e.axis}), key);
    }
}

TEST(MarchingCubes, PlacesVerticesInTheWorld) {
    const std::vector<float> v = {0, 0, 0, 0, 4, 4, 4, 4};  // 2 x 2 x 2, rising along x
    const auto mesh = marching_cubes(v, {2, 2, 2}, {.level = 1.0, .origin = {10, 20, 30}, .spacing = {2, 3, 4}}).mesh;
    ASSERT_EQ(mesh.vertices.size(), 4u);
    ASSERT_EQ(mesh.faces.size(), 2u);
    for (const auto& p : mesh.vertices) EXPECT_DOUBLE_EQ(p.x, 10.5);
    const auto& f = mesh.faces[0];
    const auto normal =
        geom::cross(mesh.vertices[f[1]] - mesh.vertices[f[0]], mesh.vertices[f[2]] - mesh.vertices[f[0]]);
    EXPECT_LT(normal.x, 0);  // outward: towards the low side
}

TEST(MarchingCubes, EdgeCases) {
    EXPECT_TRUE(marching_cubes(std::vector<float>{}, {0, 0, 0}).mesh.empty());
    EXPECT_TRUE(marching_cubes(std::vector<float>{1, 2}, {1, 1, 2}, {.level = 1.5}).mesh.empty());
    // One sample, padded: an octahedron.
    const auto one = marching_cubes(std::vector<float>{1}, {1, 1, 1}, {.pad_value = -1.0}).mesh;
    EXPECT_EQ(one.vertices.size(), 6u);
    EXPECT_EQ(one.faces.size(), 8u);
    EXPECT_DOUBLE_EQ(geom::check_mesh(one).signed_volume, 8 * 0.125 / 6);
    // NaN and infinities: outside, and vertices stay finite.
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const auto odd =
        marching_cubes(std::vector<float>{inf, nan, -inf, 1, 1, 1, 1, -inf}, {2, 2, 2}, {.pad_value = -1.0}).mesh;
    EXPECT_TRUE(geom::check_mesh(odd).closed);
    for (const auto& p : odd.vertices) EXPECT_TRUE(geom::is_finite(p));
    EXPECT_THROW(marching_cubes(std::vector<float>(8), {2, 2, 2}, {.spacing = {1, -1, 1}}), Error);
    EXPECT_THROW(marching_cubes(std::vector<float>(7), {2, 2, 2}), Error);
}

}  // namespace
}  // namespace nir::extract
