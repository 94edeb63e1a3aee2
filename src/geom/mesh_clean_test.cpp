// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/mesh_clean.h"

#include "nir/geom/mesh_check.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <numbers>

namespace nir::geom {
namespace {

using nir::testing::append;
using nir::testing::make_box;
using nir::testing::make_sphere;

TriMesh three_pieces() {
    TriMesh m = make_box({0, 0, 0}, {0.1, 0.1, 0.1});
    append(m, make_sphere(1.0, 16, {3, 0, 0}));
    append(m, make_box({6, 0, 0}, {7, 1, 1}));
    for (std::size_t i = 0; i < m.vertices.size(); ++i) {
        m.colors.push_back({static_cast<std::uint8_t>(i % 251), 0, 0});
        m.confidence.push_back(static_cast<float>(i));
    }
    return m;
}

TEST(MeshClean, FindsComponents) {
    const auto m = three_pieces();
    const auto found = find_components(m);
    ASSERT_EQ(found.components.size(), 3u);
    EXPECT_EQ(found.components[0].faces, 12u);
    EXPECT_NEAR(found.components[0].area, 0.06, 1e-12);
    EXPECT_NEAR(found.components[1].signed_volume, 4.0 / 3.0 * std::numbers::pi, 0.1);
    EXPECT_NEAR(found.components[2].diagonal(), std::sqrt(3.0), 1e-12);
    EXPECT_EQ(found.of_face.front(), 0u);
    EXPECT_EQ(found.of_face.back(), 2u);
}

TEST(MeshClean, RemovesSmallComponentsAndKeepsAttributesAligned) {
    auto m = three_pieces();
    const auto before = m;
    EXPECT_EQ(remove_small_components(m, {}), 0u);
    EXPECT_EQ(m.faces, before.faces);
    EXPECT_EQ(remove_small_components(m, {.min_area_share = 0.01}), 1u);
    const auto r = check_mesh(m);
    EXPECT_EQ(r.components, 2u);
    EXPECT_EQ(r.unused_vertices, 0u);
    EXPECT_TRUE(r.outward);
    ASSERT_EQ(m.confidence.size(), m.vertices.size());
    for (std::size_t i = 0; i < m.vertices.size(); ++i) {
        const auto old = static_cast<std::size_t>(m.confidence[i]);
        EXPECT_EQ(m.vertices[i], before.vertices[old]);
        EXPECT_EQ(m.colors[i], before.colors[old]);
    }
    auto by_diagonal = before;
    EXPECT_EQ(remove_small_components(by_diagonal, {.min_diagonal_share = 0.3}), 2u);
    auto largest = before;
    EXPECT_EQ(remove_small_components(largest, {.keep_largest = 1}), 2u);
    EXPECT_EQ(largest.faces.size(), make_sphere(1.0, 16).faces.size());
    // The largest stays even if nothing is large enough.
    EXPECT_EQ(remove_small_components(largest, {.min_area_share = 5, .min_diagonal_share = 5}), 0u);
}

TEST(MeshClean, RemovesDegenerateAndDuplicateFaces) {
    auto m = make_box({0, 0, 0}, {1, 1, 1});
    const auto clean = m;
    m.faces.insert(m.faces.begin(), {1, 1, 0});
    m.faces.push_back({clean.faces[4][1], clean.faces[4][2], clean.faces[4][0]});
    EXPECT_EQ(remove_degenerate_faces(m), 2u);
    EXPECT_EQ(m.faces, clean.faces);
    TriMesh empty;
    EXPECT_EQ(remove_degenerate_faces(empty), 0u);
    EXPECT_EQ(remove_small_components(empty, {.keep_largest = 1}), 0u);
}

}  // namespace
}  // namespace nir::geom
