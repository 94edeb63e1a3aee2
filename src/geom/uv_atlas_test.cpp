// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/uv_atlas.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"

#include "geom/rect_packing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>

namespace nir::geom {
namespace {

TriMesh ball(int n) {
    TriMesh mesh;
    for (int i = 0; i <= n; ++i)
        for (int j = 0; j < 2 * n; ++j) {
            const double a = std::numbers::pi * i / n, b = std::numbers::pi * j / n;
            mesh.vertices.push_back({std::sin(a) * std::cos(b), std::sin(a) * std::sin(b), std::cos(a)});
        }
    const auto at = [n](int i, int j) { return static_cast<std::uint32_t>(i * 2 * n + j % (2 * n)); };
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < 2 * n; ++j) {
            if (i > 0) mesh.faces.push_back({at(i, j), at(i + 1, j), at(i, j + 1)});
            if (i + 1 < n) mesh.faces.push_back({at(i, j + 1), at(i + 1, j), at(i + 1, j + 1)});
        }
    return mesh;
}

// Two turns of a stair: connected, all faces look up, and the second turn lies over the first.
TriMesh spiral() {
    TriMesh mesh;
    constexpr int kSteps = 40;
    for (int i = 0; i <= kSteps; ++i) {
        const double a = 4 * std::numbers::pi * i / kSteps;
        mesh.vertices.push_back({std::cos(a), std::sin(a), 0.02 * i});
        mesh.vertices.push_back({2 * std::cos(a), 2 * std::sin(a), 0.02 * i});
    }
    for (std::uint32_t i = 0; i < kSteps; ++i) {
        mesh.faces.push_back({2 * i, 2 * i + 1, 2 * i + 2});
        mesh.faces.push_back({2 * i + 1, 2 * i + 3, 2 * i + 2});
    }
    return mesh;
}

double doubled_area(const Uv& a, const Uv& b, const Uv& c) {
    return double(b[0] - a[0]) * double(c[1] - a[1]) - double(b[1] - a[1]) * double(c[0] - a[0]);
}

void expect_one_face_a_place(const TriMesh& mesh, const UvAtlas& atlas) {
    ASSERT_EQ(atlas.faces.size(), mesh.faces.size());
    for (std::size_t f = 0; f < mesh.faces.size(); ++f)
        for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(atlas.vertex[atlas.faces[f][k]], mesh.faces[f][k]);
    // Random places of faces must not lie in any other face.
    Rng rng(1);
    for (int trial = 0; trial < 2000; ++trial) {
        const std::size_t f = rng.below(atlas.faces.size());
        double b1 = rng.uniform(), b2 = rng.uniform();
        if (b1 + b2 > 1) b1 = 1 - b1, b2 = 1 - b2;
        const auto corner = [&](std::size_t face, std::size_t k) { return atlas.uv[atlas.faces[face][k]]; };
        Uv p{};
        for (std::size_t k = 0; k < 2; ++k)
            p[k] = static_cast<float>((1 - b1 - b2) * double(corner(f, 0)[k]) + b1 * double(corner(f, 1)[k]) +
                                      b2 * double(corner(f, 2)[k]));
        for (std::size_t g = 0; g < atlas.faces.size(); ++g) {
            if (g == f) continue;
            const double whole = doubled_area(corner(g, 0), corner(g, 1), corner(g, 2));
            double least = 1;
            for (std::size_t k = 0; k < 3; ++k)
                least = std::min(least, doubled_area(corner(g, k), corner(g, (k + 1) % 3), p) / whole);
            ASSERT_LE(least, 1e-3) << "faces " << f << " and " << g;
        }
    }
}

TEST(UvAtlas, PlacesOfABallAreUniqueAndHardlyStretched) {
    const TriMesh mesh = ball(24);
    const UvAtlas atlas = make_uv_atlas(mesh, {.side = 512});
    expect_one_face_a_place(mesh, atlas);
    EXPECT_LE(atlas.charts, 16u);
    double used = 0;
    for (std::size_t f = 0; f < mesh.faces.size(); ++f) {
        const Triangle& t = mesh.faces[f];
        const double area =
            norm(cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]]));
        const Triangle& a = atlas.faces[f];
        const double flat = doubled_area(atlas.uv[a[0]], atlas.uv[a[1]], atlas.uv[a[2]]) * 512 * 512;
        EXPECT_LT(flat, 0) << "seen from outside, v down: face " << f;
        const double share = -flat / (area * atlas.texels_per_unit * atlas.texels_per_unit);
        EXPECT_GE(share, std::cos(65.001 / 180 * std::numbers::pi));
        EXPECT_LE(share, 1.0001);
        used -= flat / 2;
    }
    EXPECT_GT(used, 0.4 * 512 * 512);
}

TEST(UvAtlas, WhatLiesOverItselfIsCut) {
    const TriMesh mesh = spiral();
    EXPECT_EQ(group_by_normal(mesh, 0.9).back(), 0u);  // one group by its normals
    const UvAtlas atlas = make_uv_atlas(mesh, {.side = 256});
    EXPECT_GE(atlas.charts, 2u);
    EXPECT_LE(atlas.charts, 4u);
    expect_one_face_a_place(mesh, atlas);
}

TEST(UvAtlas, EveryFaceHasATexelAndGuttersKeepChartsApart) {
    const TriMesh mesh = ball(16);
    const UvAtlas atlas = make_uv_atlas(mesh, {.side = 64, .gutter = 2});
    const std::vector<Texel> texels = texels_of(atlas);
    std::set<std::uint32_t> seen;
    for (const Texel& t : texels)
        if (t.face != Texel::kNone) {
            seen.insert(t.face);
            EXPECT_TRUE(t.b1 >= 0 && t.b2 >= 0 && t.b1 + t.b2 <= 1.0001f);
        }
    EXPECT_GT(seen.size(), mesh.faces.size() / 2);
    const TriMesh few = ball(4);
    seen.clear();
    for (const Texel& t : texels_of(make_uv_atlas(few, {.side = 64})))
        if (t.face != Texel::kNone) seen.insert(t.face);
    EXPECT_EQ(seen.size(), few.faces.size());
}

TEST(UvAtlas, VerticesAtOnePlaceAreOneAndBadMeshesAreRefused) {
    TriMesh soup;
    const TriMesh mesh = ball(8);
    for (const Triangle& t : mesh.faces) {
        const auto n = static_cast<std::uint32_t>(soup.vertices.size());
        for (const std::uint32_t v : t) soup.vertices.push_back(mesh.vertices[v]);
        soup.faces.push_back({n, n + 1, n + 2});
    }
    EXPECT_EQ(group_by_normal(soup, 0.9), group_by_normal(mesh, 0.9));
    EXPECT_THROW(make_uv_atlas({}), Error);
    soup.faces.push_back({0, 1, 100000});
    EXPECT_THROW(make_uv_atlas(soup), Error);
    TriMesh many;  // far apart triangles: one chart each
    for (std::uint32_t i = 0; i < 400; ++i) {
        const double x = i;
        many.vertices.insert(many.vertices.end(), {{x, 0, 0}, {x + 0.1, 0, 0}, {x, 0.1, 0}});
        many.faces.push_back({3 * i, 3 * i + 1, 3 * i + 2});
    }
    EXPECT_THROW(make_uv_atlas(many, {.side = 64}), Error);
    EXPECT_EQ(make_uv_atlas(many, {.side = 256}).charts, 400u);
}

TEST(RectPacking, RectanglesDoNotOverlap) {
    Rng rng(3);
    std::vector<RectSize> sizes;
    for (int i = 0; i < 200; ++i)
        sizes.push_back({1 + static_cast<int>(rng.below(20)), 1 + static_cast<int>(rng.below(20))});
    const auto corners = pack_rects(sizes, 170);
    ASSERT_TRUE(corners);
    std::vector<int> owner(170 * 170, -1);
    for (std::size_t i = 0; i < sizes.size(); ++i)
        for (int y = 0; y < sizes[i].height; ++y)
            for (int x = 0; x < sizes[i].width; ++x) {
                ASSERT_LT((*corners)[i].x + x, 170);
                ASSERT_LT((*corners)[i].y + y, 170);
                int& cell = owner[static_cast<std::size_t>(((*corners)[i].y + y) * 170 + (*corners)[i].x + x)];
                ASSERT_EQ(cell, -1);
                cell = static_cast<int>(i);
            }
    EXPECT_FALSE(pack_rects(sizes, 100));
    EXPECT_FALSE(pack_rects({{5, 5}}, 4));
    EXPECT_TRUE(pack_rects({{4, 4}}, 4));
}

}  // namespace
}  // namespace nir::geom
