// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/color_transfer.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/geom/sampling.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

TEST(ColorTransfer, AVertexOnAPointGetsItsColor) {
    const PointCloud cloud{{{0, 0, 0}, {1, 0, 0}}, {}, {{10, 20, 30}, {200, 100, 0}}, {}};
    TriMesh mesh{{{1, 0, 0}, {0.5, 0, 0}, {0, 0, 0}}, {{0, 1, 2}}, {}, {}, {}};
    transfer_colors(cloud, mesh);
    EXPECT_EQ(mesh.colors[0], (Rgb8{200, 100, 0}));
    EXPECT_EQ(mesh.colors[2], (Rgb8{10, 20, 30}));
    // Half of 200 and 10 in linear light, 0.5 * (0.5776 + 0.0030) = 0.2903, is 147.
    EXPECT_NEAR(mesh.colors[1].r, 147, 1);
}

TEST(ColorTransfer, ASmoothPatternComesThrough) {
    const auto color_at = [](Vec3d p) {
        return Rgb8{static_cast<std::uint8_t>(128 + 100 * p.x), static_cast<std::uint8_t>(128 + 100 * p.y), 50};
    };
    auto mesh = testing::make_sphere(1.0, 30, {1e6, 0, 0});
    Rng rng(1);
    PointCloud cloud;
    cloud.points = sample_surface(mesh, 20000, rng).points;
    for (const auto& p : cloud.points) cloud.colors.push_back(color_at(p - Vec3d{1e6, 0, 0}));
    transfer_colors(cloud, mesh);
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
        const Rgb8 expected = color_at(mesh.vertices[i] - Vec3d{1e6, 0, 0});
        EXPECT_NEAR(mesh.colors[i].r, expected.r, 6);
        EXPECT_NEAR(mesh.colors[i].g, expected.g, 6);
        EXPECT_EQ(mesh.colors[i].b, 50);
    }
}

TEST(ColorTransfer, NormalsKeepTheSidesOfAThinWallApart) {
    PointCloud cloud;
    for (int i = 0; i < 20; ++i)
        for (int j = 0; j < 20; ++j)
            for (const int side : {-1, 1}) {
                cloud.points.push_back({0.1 * i, 0.1 * j + 0.05 * (side + 1), 0.01 * side});
                cloud.normals.push_back({0, 0, static_cast<float>(side)});
                cloud.colors.push_back(side > 0 ? Rgb8{250, 0, 0} : Rgb8{0, 0, 250});
            }
    TriMesh mesh{
        {{1, 1, 0.01}, {1, 1, -0.01}, {1.02, 1.04, 0.01}}, {{0, 1, 2}}, {{0, 0, 1}, {0, 0, -1}, {0, 0, 1}}, {}, {}};
    transfer_colors(cloud, mesh);
    EXPECT_EQ(mesh.colors[0], (Rgb8{250, 0, 0}));
    EXPECT_EQ(mesh.colors[1], (Rgb8{0, 0, 250}));
    EXPECT_EQ(mesh.colors[2], (Rgb8{250, 0, 0}));
    mesh.normals.clear();
    transfer_colors(cloud, mesh);
    EXPECT_NE(mesh.colors[2], (Rgb8{250, 0, 0}));
}

TEST(ColorTransfer, NothingToGive) {
    TriMesh mesh{{{0, 0, 0}}, {}, {}, {{1, 2, 3}}, {}};
    transfer_colors(PointCloud{}, mesh);
    transfer_colors(PointCloud{{{0, 0, 0}}, {}, {}, {}}, mesh);
    EXPECT_EQ(mesh.colors[0], (Rgb8{1, 2, 3}));
    TriMesh empty;
    transfer_colors(PointCloud{{{0, 0, 0}}, {}, {{1, 1, 1}}, {}}, empty);
    EXPECT_TRUE(empty.colors.empty());
    const PointCloud bad{{{std::numeric_limits<double>::quiet_NaN(), 0, 0}}, {}, {{1, 1, 1}}, {}};
    EXPECT_THROW(transfer_colors(bad, mesh), Error);
}

}  // namespace
}  // namespace nir::geom
