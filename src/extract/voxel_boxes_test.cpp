// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/voxel_boxes.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/geom/bvh.h"
#include "nir/geom/inside.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

namespace nir::extract {
namespace {

geom::VoxelGrid empty_grid(int n) {
    geom::VoxelGrid grid;
    grid.size = {n, n, n};
    grid.spacing = {1.0 / n, 1.0 / n, 1.0 / n};
    grid.origin = {-0.5 + 0.5 / n, -0.5 + 0.5 / n, -0.5 + 0.5 / n};
    grid.values.assign(static_cast<std::size_t>(n * n * n), 0.0f);
    return grid;
}

TEST(VoxelBoxes, OneCellIsACube) {
    auto grid = empty_grid(4);
    grid.values[grid.index(1, 2, 3)] = 0.5f;  // at the level: filled
    const auto mesh = voxel_boxes(grid);
    EXPECT_EQ(mesh.vertices.size(), 8u);
    EXPECT_EQ(mesh.faces.size(), 12u);
    const auto report = geom::check_mesh(mesh);
    EXPECT_TRUE(report.watertight() && report.outward);
    EXPECT_NEAR(report.signed_volume, 1.0 / 64, 1e-12);
    const auto box = geom::bounds(mesh.vertices);
    EXPECT_NEAR(geom::norm(box.lo - geom::Vec3d{-0.25, 0, 0.25}), 0, 1e-12);
    EXPECT_NEAR(geom::norm(box.hi - geom::Vec3d{0, 0.25, 0.5}), 0, 1e-12);
}

TEST(VoxelBoxes, WholeGridIsOneBoxWhateverTheSpacing) {
    geom::VoxelGrid grid;
    grid.size = {2, 3, 4};
    grid.spacing = {1, 2, 0.5};
    grid.origin = {10, 20, 30};
    grid.values.assign(24, 1.0f);
    const auto mesh = voxel_boxes(grid);
    EXPECT_EQ(mesh.faces.size(), 2u * 2 * (2 * 3 + 3 * 4 + 4 * 2));
    const auto report = geom::check_mesh(mesh);
    EXPECT_TRUE(report.watertight() && report.outward);
    EXPECT_NEAR(report.signed_volume, 2 * 6 * 2, 1e-9);
    EXPECT_NEAR(geom::norm(geom::bounds(mesh.vertices).lo - geom::Vec3d{9.5, 19, 29.75}), 0, 1e-12);
}

TEST(VoxelBoxes, InsideOfTheMeshIsTheFilledCells) {
    auto grid = empty_grid(6);
    Rng rng(4);
    double filled = 0;
    for (float& v : grid.values) v = static_cast<float>(rng.uniform()), filled += v >= 0.6f;
    const auto mesh = voxel_boxes(grid, 0.6f);
    EXPECT_NEAR(geom::signed_volume(mesh), filled / 216, 1e-12);
    const auto bvh = std::make_shared<const geom::TriangleBvh>(mesh);
    std::vector<geom::Vec3d> points;
    for (int i = 0; i < 2000; ++i)
        points.push_back({rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6)});
    std::vector<std::uint8_t> inside(points.size());
    geom::InsideTest(bvh, geom::InsideMethod::winding).contains(points, inside);
    for (std::size_t i = 0; i < points.size(); ++i) {
        bool expected = std::abs(points[i].x) < 0.5 && std::abs(points[i].y) < 0.5 && std::abs(points[i].z) < 0.5;
        if (expected) {
            const auto cell = [](double v) { return static_cast<int>((v + 0.5) * 6); };
            expected = grid.values[grid.index(cell(points[i].x), cell(points[i].y), cell(points[i].z))] >= 0.6f;
        }
        ASSERT_EQ(inside[i] != 0, expected) << i;
    }
}

TEST(VoxelBoxes, EmptyAndBroken) {
    auto grid = empty_grid(3);
    EXPECT_TRUE(voxel_boxes(grid).empty());
    grid.values[5] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(voxel_boxes(grid).empty());
    grid.values.pop_back();
    EXPECT_THROW((void)voxel_boxes(grid), Error);
    grid = empty_grid(3);
    grid.spacing.y = 0;
    EXPECT_THROW((void)voxel_boxes(grid), Error);
    EXPECT_THROW((void)voxel_boxes({}), Error);
}

}  // namespace
}  // namespace nir::extract
