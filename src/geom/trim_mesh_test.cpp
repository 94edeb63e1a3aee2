// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/trim_mesh.h"

#include "nir/base/rng.h"
#include "nir/geom/data_support.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/mesh_clean.h"

#include "geom/mesh_edges.h"
#include "support/meshes.h"

#include <gtest/gtest.h>

#include <array>
#include <numbers>
#include <set>

namespace nir::geom {
namespace {

using nir::testing::append;
using nir::testing::make_box;
using nir::testing::make_sphere;

constexpr double kPi = std::numbers::pi;

/// The square [-1, 1]^2 at z = 0 as 2 n^2 triangles that look up.
TriMesh make_plane(std::uint32_t n) {
    TriMesh m;
    for (std::uint32_t j = 0; j <= n; ++j)
        for (std::uint32_t i = 0; i <= n; ++i) m.vertices.push_back({2.0 * i / n - 1, 2.0 * j / n - 1, 0});
    for (std::uint32_t j = 0; j < n; ++j)
        for (std::uint32_t i = 0; i < n; ++i) {
            const std::uint32_t a = j * (n + 1) + i, b = a + 1, c = a + n + 1, d = c + 1;
            m.faces.push_back({a, b, d});
            m.faces.push_back({a, d, c});
        }
    return m;
}

template <class F>
std::vector<float> per_vertex(const TriMesh& m, F&& f) {
    std::vector<float> out;
    for (const auto& p : m.vertices) out.push_back(static_cast<float>(f(p)));
    return out;
}

struct Boundary {
    double length = 0;
    std::set<std::uint32_t> vertices;
};
Boundary boundary(const TriMesh& m) {
    Boundary b;
    for_each_edge(m.faces, m.vertices.size(), [&](std::uint32_t lo, std::span<const EdgeUse> uses) {
        if (uses.size() != 1) return;
        b.length += norm(m.vertices[lo] - m.vertices[uses[0].hi]);
        b.vertices.insert(lo), b.vertices.insert(uses[0].hi);
    });
    return b;
}

double smallest_angle(const TriMesh& m) {
    double least = 180;
    for (const auto& f : m.faces)
        for (std::size_t k = 0; k < 3; ++k) {
            const Vec3d p = m.vertices[f[k]];
            const Vec3d u = m.vertices[f[(k + 1) % 3]] - p, v = m.vertices[f[(k + 2) % 3]] - p;
            least = std::min(least, std::atan2(norm(cross(u, v)), dot(u, v)) * 180 / kPi);
        }
    return least;
}

/// A half disc of radius 0.6 (y >= 0), points at random, about 0.02 apart, its rim too.
std::vector<Vec3d> half_disc() {
    Rng rng(1);
    std::vector<Vec3d> points;
    for (int i = 0; i < 1500;) {
        const Vec3d p{rng.uniform(-0.6, 0.6), rng.uniform(0, 0.6), 0};
        if (norm(p) < 0.6) points.push_back(p), ++i;
    }
    for (int i = 0; i <= 100; ++i) {
        points.push_back(Vec3d{std::cos(kPi * i / 100), std::sin(kPi * i / 100), 0} * 0.6);
        points.push_back({-0.6 + 1.2 * i / 100, 0, 0});
    }
    return points;
}
double distance_to_half_disc(Vec3d p) {
    if (p.y >= 0) return std::max(0.0, norm(p) - 0.6);
    return norm(p - Vec3d{std::clamp(p.x, -0.6, 0.6), 0, 0});
}

TEST(TrimMesh, BoundaryIsTheOffsetCurveOfTheData) {
    const auto points = half_disc();
    const KdTree tree(points);
    const double limit = 0.2, length = kPi * 0.6 + 1.2 + 2 * kPi * limit;  // perimeter of a convex body + 2 pi L
    TriMesh m = make_plane(67);
    const auto s = support_vertices(m.vertices, points, tree, {.spacing = 0.02, .length = limit});

    TriMesh zigzag = m;
    std::vector<std::uint8_t> keep(m.faces.size());
    for (std::size_t f = 0; f < keep.size(); ++f)
        keep[f] = std::ranges::all_of(m.faces[f], [&](std::uint32_t v) { return s.support[v] <= 1; });
    keep_faces(zigzag, keep);
    EXPECT_GT(boundary(zigzag).length, 1.1 * length);  // what dropping faces gives

    EXPECT_EQ(trim_mesh(m, s.support, {}), 0u);
    const auto report = check_mesh(m);
    EXPECT_EQ(report.euler_characteristic, 1);
    EXPECT_EQ(report.components, 1u);
    EXPECT_TRUE(report.manifold() && report.oriented && report.degenerate_faces == 0) << report.summary();
    EXPECT_NEAR(report.area, kPi * 0.18 + (kPi * 0.6 + 1.2) * limit + kPi * limit * limit, 0.02);
    const Boundary b = boundary(m);
    EXPECT_NEAR(b.length, length, 0.01 * length);
    for (const auto v : b.vertices) EXPECT_NEAR(distance_to_half_disc(m.vertices[v]), limit, 0.01) << v;
    for (const auto& p : m.vertices) {
        EXPECT_LE(std::sqrt(tree.nearest(p).squared_distance), 1.002 * limit);
        EXPECT_EQ(p.z, 0);
    }
    EXPECT_GT(smallest_angle(m), 8);
}

TEST(TrimMesh, AttributesAreThoseOfThePlaceOnTheEdge) {
    TriMesh m = make_plane(20);
    for (const auto& p : m.vertices) {
        m.normals.push_back(normalized(Vec3f{static_cast<float>(0.2 * p.x), 0, 1}));
        m.colors.push_back({static_cast<std::uint8_t>(std::lround(120 + 100 * p.x)), 7,
                            static_cast<std::uint8_t>(std::lround(120 + 100 * p.y))});
        m.confidence.push_back(static_cast<float>(0.5 + 0.3 * p.x - 0.1 * p.y));
    }
    const auto along = [](Vec3d p) { return 0.8 + 0.7 * p.x + 0.4 * p.y; };  // the line is straight
    ASSERT_TRUE(cut_mesh(m, per_vertex(m, along), {}));
    ASSERT_EQ(m.normals.size(), m.vertices.size());
    ASSERT_EQ(m.colors.size(), m.vertices.size());
    ASSERT_EQ(m.confidence.size(), m.vertices.size());
    std::size_t on_line = 0;
    for (std::size_t v = 0; v < m.vertices.size(); ++v) {
        const Vec3d p = m.vertices[v];
        EXPECT_LE(along(p), 1 + 1e-6);
        on_line += std::abs(along(p) - 1) < 1e-6;
        EXPECT_NEAR(m.confidence[v], 0.5 + 0.3 * p.x - 0.1 * p.y, 1e-6);
        EXPECT_NEAR(m.colors[v].r, 120 + 100 * p.x, 1.01);
        EXPECT_EQ(m.colors[v].g, 7);
        EXPECT_NEAR(m.colors[v].b, 120 + 100 * p.y, 1.01);
        EXPECT_NEAR(norm(m.normals[v]), 1, 1e-6);
        EXPECT_GT(dot(m.normals[v], normalized(Vec3f{static_cast<float>(0.2 * p.x), 0, 1})), 0.9999);
    }
    EXPECT_GT(on_line, 20u);
    // 0.7 x + 0.4 y <= 0.2 on the square: the trapezium between y = -1 and y = 1
    EXPECT_NEAR(check_mesh(m).area, 2 * (1 + 0.2 / 0.7), 1e-6);
    EXPECT_EQ(check_mesh(m).euler_characteristic, 1);
}

TEST(TrimMesh, OpensAClosedMeshInAPlane) {
    TriMesh m = make_sphere(1, 40);
    ASSERT_TRUE(cut_mesh(m, per_vertex(m, [](Vec3d p) { return 0.7 + p.z; }), {}));  // z <= 0.3
    const auto r = check_mesh(m);
    EXPECT_TRUE(r.manifold() && r.oriented && !r.closed) << r.summary();
    EXPECT_EQ(r.euler_characteristic, 1);
    EXPECT_EQ(r.unused_vertices, 0u);
    EXPECT_NEAR(r.area, 2 * kPi * 1.3, 0.01 * 2 * kPi * 1.3);
    const Boundary b = boundary(m);
    EXPECT_NEAR(b.length, 2 * kPi * std::sqrt(1 - 0.09), 0.01);
    for (const auto v : b.vertices) EXPECT_NEAR(m.vertices[v].z, 0.3, 1e-6);
}

TEST(TrimMesh, NothingHappensWhereAllIsSupported) {
    TriMesh m = make_sphere(1, 8);
    const TriMesh before = m;
    EXPECT_FALSE(cut_mesh(m, std::vector<float>(m.vertices.size(), 1.0f), {}));
    EXPECT_EQ(m.vertices, before.vertices);
    EXPECT_EQ(m.faces, before.faces);
    EXPECT_TRUE(cut_mesh(m, std::vector<float>(m.vertices.size(), 1.5f), {}));
    EXPECT_TRUE(m.faces.empty() && m.vertices.empty());
}

TEST(TrimMesh, StaysManifoldWhereThePartsTouchInAVertex) {
    TriMesh m = make_plane(10);  // two opposite quadrants that meet at the origin, which is a vertex
    m.confidence = per_vertex(m, [](Vec3d p) { return p.x; });
    ASSERT_TRUE(cut_mesh(m, per_vertex(m, [](Vec3d p) { return 1 + p.x * p.y; }), {}));
    const auto r = check_mesh(m);
    EXPECT_TRUE(r.manifold()) << r.summary();
    EXPECT_EQ(r.components, 2u);
    EXPECT_EQ(r.euler_characteristic, 2);
    EXPECT_NEAR(r.area, 2, 1e-9);
    ASSERT_EQ(m.confidence.size(), m.vertices.size());
    for (std::size_t v = 0; v < m.vertices.size(); ++v)
        EXPECT_FLOAT_EQ(m.confidence[v], static_cast<float>(m.vertices[v].x));
}

TEST(TrimMesh, RandomSupportGivesManifoldsWithoutSlivers) {
    Rng rng(7);
    for (int i = 0; i < 40; ++i) {
        TriMesh m = i % 2 ? make_sphere(1, 15) : make_plane(20);
        const double slivers = smallest_angle(m);
        std::vector<float> support(m.vertices.size());
        for (auto& s : support) {
            s = static_cast<float>(rng.uniform(0.5, 1.5));
            if (i % 3 == 0) s = std::round(s * 4) / 4;  // many exactly on the line
        }
        TriMesh unsnapped = m;
        cut_mesh(m, support, {.spike_rounds = i % 4});
        const auto r = check_mesh(m);
        EXPECT_TRUE(r.manifold() && r.oriented && r.degenerate_faces == 0 && r.unused_vertices == 0)
            << i << ": " << r.summary();
        EXPECT_GT(smallest_angle(m), std::min(4.0, slivers / 6)) << i;
        cut_mesh(unsnapped, support, {.snap = 0, .spike_rounds = 0});
        EXPECT_TRUE(check_mesh(unsnapped).manifold());
        if (i % 3) {
            EXPECT_LT(smallest_angle(unsnapped), smallest_angle(m));
        }
    }
}

TEST(TrimMesh, SmoothingNeverGoesBelowTheBeginning) {
    TriMesh m = make_plane(30);
    Rng rng(3);
    const auto rough = per_vertex(m, [&](Vec3d p) { return 1 + 0.5 * p.x + rng.uniform(-0.2, 0.2); });
    const auto smooth = smooth_support(m, rough, 6);
    double jumps[2] = {0, 0};
    for (std::size_t v = 0; v + 1 < rough.size(); ++v) {
        EXPECT_GE(smooth[v], rough[v]);
        jumps[0] += std::abs(rough[v + 1] - rough[v]), jumps[1] += std::abs(smooth[v + 1] - smooth[v]);
    }
    EXPECT_LT(jumps[1], 0.5 * jumps[0]);
    EXPECT_EQ(smooth_support(m, rough, 0), rough);
    // A linear function is its own mean away from the border.
    const auto linear = per_vertex(m, [](Vec3d p) { return 1 + 0.5 * p.x; });
    const auto same = smooth_support(m, linear, 3);
    for (std::size_t v = 0; v < same.size(); ++v) {
        const Vec3d p = m.vertices[v];
        if (std::max(std::abs(p.x), std::abs(p.y)) < 0.7) {
            EXPECT_NEAR(same[v], linear[v], 1e-6);
        }
    }
}

using Corners = std::array<std::array<double, 3>, 3>;
/// Faces as positions, beginning with the least corner, of those wholly above z.
std::set<Corners> faces_above(const TriMesh& m, double z) {
    std::set<Corners> out;
    for (const auto& f : m.faces) {
        Corners c;
        for (std::size_t k = 0; k < 3; ++k) c[k] = {m.vertices[f[k]].x, m.vertices[f[k]].y, m.vertices[f[k]].z};
        if (std::min({c[0][2], c[1][2], c[2][2]}) < z) continue;
        std::rotate(c.begin(), std::min_element(c.begin(), c.end()), c.end());
        out.insert(c);
    }
    return out;
}

TEST(TrimMesh, PiecesAgreeWithTheWhole) {
    TriMesh whole = make_sphere(1, 40);
    const auto rough = [](Vec3d p) {
        return 1 + 0.3 * std::sin(9 * p.x) * std::cos(7 * p.y) + 0.1 * std::sin(41 * p.z);
    };
    TrimOptions options;
    options.smoothing_rounds = 4;
    // A piece: z > -0.6, its faces and vertices in another order.
    TriMesh piece;
    std::vector<std::uint32_t> number(whole.vertices.size());
    for (std::uint32_t v = 0; v < number.size(); ++v) {
        const auto other = static_cast<std::uint32_t>((v * 7919ull + 13) % number.size());
        number[other] = static_cast<std::uint32_t>(piece.vertices.size());
        piece.vertices.push_back(whole.vertices[other]);
    }
    for (std::size_t i = whole.faces.size(); i-- > 0;) {
        const auto& f = whole.faces[i];
        if (std::ranges::any_of(f, [&](std::uint32_t v) { return whole.vertices[v].z < -0.6; })) continue;
        piece.faces.push_back({number[f[1]], number[f[2]], number[f[0]]});
    }
    trim_mesh(whole, per_vertex(whole, rough), options);
    trim_mesh(piece, per_vertex(piece, rough), options);
    const auto a = faces_above(whole, 0.1), b = faces_above(piece, 0.1);
    EXPECT_GT(a.size(), 300u);
    EXPECT_TRUE(a == b);
}

TEST(TrimMesh, SpikesGo) {
    TriMesh m;  // a strip of two triangles with a needle on it, and one far away that makes it a cut
    m.vertices = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0.5, 4, 0}, {9, 9, 0}, {10, 9, 0}, {9, 10, 0}};
    m.faces = {{0, 1, 2}, {1, 3, 2}, {2, 3, 4}, {5, 6, 7}};
    const std::vector<float> support{0, 0, 0, 0, 0, 9, 9, 9};
    TriMesh kept = m;
    cut_mesh(kept, support, {.spike_rounds = 0});
    EXPECT_EQ(kept.faces.size(), 3u);
    cut_mesh(m, support, {.spike_rounds = 2, .spike_angle = 40});
    EXPECT_EQ(m.faces.size(), 2u);
}

TEST(TrimMesh, IslandsGoButNotTheLargest) {
    TriMesh m = make_box({0, 0, 0}, {1, 1, 1});
    append(m, make_box({5, 0, 0}, {5.2, 0.2, 0.2}));
    append(m, make_box({7, 0, 0}, {7.5, 0.5, 0.5}));
    TriMesh all = m;
    EXPECT_EQ(remove_islands(m, 1.0), 1u);
    EXPECT_EQ(check_mesh(m).components, 2u);
    EXPECT_EQ(remove_islands(all, 1e9), 2u);
    EXPECT_EQ(check_mesh(all).components, 1u);
    EXPECT_NEAR(check_mesh(all).area, 6, 1e-12);
}

/// A roof of stray points over a floor whose far half is sparse: the strays support next to nothing, the floor all of
/// itself, and so do the edges of a sparse step.
TEST(DataSupport, StrayPointsAreNoSparseSurface) {
    constexpr double dense = 0.02, sparse = 0.16;
    std::vector<Vec3d> points;
    Rng rng(5);
    for (int i = 0; i < 40000; ++i) points.push_back({rng.uniform(0, 4), rng.uniform(0, 4), 0.002 * rng.normal()});
    const std::size_t floor_ends = points.size();
    // Beyond it as many points as to be 8 spacings apart, with a step of 1 m across.
    const int n = static_cast<int>(16 / (sparse * sparse));
    for (int i = 0; i < n; ++i) points.push_back({rng.uniform(4, 8), rng.uniform(0, 4), 0.01 * rng.normal()});
    for (int i = 0; i < n / 4; ++i) points.push_back({8 + 0.01 * rng.normal(), rng.uniform(0, 4), rng.uniform(0, 1)});
    for (int i = 0; i < n; ++i) points.push_back({rng.uniform(8, 12), rng.uniform(0, 4), 1 + 0.01 * rng.normal()});
    const std::size_t surface_ends = points.size();
    for (int i = 0; i < 300; ++i) points.push_back({rng.uniform(0, 12), rng.uniform(0, 4), rng.uniform(3, 7)});
    const KdTree tree(points);
    std::vector<std::uint32_t> all(points.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint32_t>(i);
    const auto found = local_spacing(points, tree, all, dense);
    std::size_t sure = 0, kept = 0, strays = 0;
    for (std::size_t i = floor_ends; i < surface_ends; ++i) {
        if (points[i].x < 4.5) continue;  // points of the dense half are neighbours there
        ++sure, kept += found[i].spacing > 0.6 * sparse;
    }
    for (std::size_t i = surface_ends; i < points.size(); ++i) strays += found[i].spacing > dense;
    EXPECT_GT(kept, sure * 99 / 100) << sure;
    EXPECT_LT(strays, 15u);
    // A ghost roof through them is trimmed: a share of about 300 discs of 2.5 spacings stays, not the whole.
    std::vector<Vec3d> roof;
    for (int i = 0; i < 120; ++i)
        for (int j = 0; j < 40; ++j) roof.push_back({0.1 * i, 0.1 * j, 5});
    const auto support = support_vertices(roof, points, tree, {.spacing = dense});
    EXPECT_LT(std::ranges::count_if(support.support, [](float s) { return s <= 1; }), 48);
    EXPECT_GT(support.reach, 1);  // what was looked at is far around all the same
}

TEST(DataSupport, SpacingIsLocal) {
    std::vector<Vec3d> points;  // a square lattice of 0.01 beside one of 0.04, and a lonely point
    for (int i = 0; i < 40; ++i)
        for (int j = 0; j < 40; ++j) points.push_back({-0.4 + 0.01 * i, 0.01 * j, 0});
    for (int i = 0; i < 40; ++i)
        for (int j = 0; j < 40; ++j) points.push_back({0.04 + 0.04 * i, 0.04 * j, 0});
    points.push_back({0.8, 0.8, 5});
    const KdTree tree(points);
    const std::vector<std::uint32_t> which{20 * 40 + 20, 1600 + 20 * 40 + 20, 3200};
    const auto found = local_spacing(points, tree, which, 0.001);
    EXPECT_NEAR(found[0].spacing, 0.01,
                0.0005);  // the 16th neighbour of a lattice is sqrt(5) away: sqrt(5 pi / 16) = 0.99
    EXPECT_NEAR(found[1].spacing, 0.04, 0.002);
    EXPECT_EQ(found[2].spacing, 0.001);  // it is alone
    EXPECT_GT(found[2].reach, 1);
    EXPECT_EQ(local_spacing(points, tree, which, 0.05)[0].spacing, 0.05);
    const auto alone = local_spacing(points, tree, std::vector<std::uint32_t>{which[1]}, 0.001);
    EXPECT_EQ(alone[0].spacing, found[1].spacing);

    const std::vector<Vec3d> vertices{{-0.2, 0.2, 0.02}, {0.84, 0.84, 0.08}, {0.84, 0.84, 0.2}};
    const auto by_spacing = support_vertices(vertices, points, tree, {.spacing = 0.01});
    EXPECT_NEAR(by_spacing.support[0], 0.8, 0.05);
    EXPECT_NEAR(by_spacing.support[1], 0.8, 0.05);
    EXPECT_GT(by_spacing.support[2], 1.1);
    EXPECT_NEAR(by_spacing.spacing[2], 0.04, 0.002);
    const auto by_length = support_vertices(vertices, points, tree, {.spacing = 0.01, .length = 0.1});
    EXPECT_NEAR(by_length.support[0], 0.2, 1e-6);
    EXPECT_NEAR(by_length.support[2], 2.0, 1e-6);
}

}  // namespace
}  // namespace nir::geom
