// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/shape_figures.h"

#include "nir/extract/grid_field.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::pipeline {
namespace {

/// A ball of radius 0.4 with labels and surface points.
data::LabelledScan ball_scan() {
    data::GeneratedShape ball;
    ball.solid = data::sphere(0.4f);
    Rng rng(1);
    ball.surface = data::sample_surface(*ball.solid, 0.5f, 4000, rng);
    for (const auto& p : ball.surface) ball.box.extend(p);
    data::LabelledScan scan;
    data::add_labels(scan, ball, 4000, rng);
    return scan;
}

double figure(const Figures& figures, std::string_view name) {
    for (const auto& [key, value] : figures)
        if (key == name) return value;
    return NAN;
}

/// 32^3 cells over the unit cube, filled where the centre is inside the ball.
geom::VoxelGrid ball_grid(double radius) {
    geom::VoxelGrid grid;
    grid.size = {32, 32, 32};
    grid.spacing = {1 / 32.0, 1 / 32.0, 1 / 32.0};
    grid.origin = {-0.5 + 1 / 64.0, -0.5 + 1 / 64.0, -0.5 + 1 / 64.0};
    for (int i = 0; i < 32; ++i)
        for (int j = 0; j < 32; ++j)
            for (int k = 0; k < 32; ++k)
                grid.values.push_back(
                    geom::norm(grid.origin + geom::Vec3d(geom::Vec3i{i, j, k}) * (1 / 32.0)) < radius ? 0.9f : 0.1f);
    return grid;
}

TEST(ShapeFigures, VolumesGiveTheIou) {
    const auto scan = ball_scan();
    const models::Shape field = std::make_unique<extract::FunctionField>(
        [](geom::Vec3f p) { return 0.4f - geom::norm(p); }, geom::Box3f{{-.55f, -.55f, -.55f}, {.55f, .55f, .55f}});
    EXPECT_EQ(figure(shape_figures(field, scan), "iou"), 1);
    EXPECT_GT(figure(shape_figures(field, scan), "iou_near"), 0.999);
    const models::Shape voxels = ball_grid(0.4);
    const auto figures = shape_figures(voxels, scan);
    EXPECT_GT(figure(figures, "iou"), 0.93);
    EXPECT_LT(figure(figures, "iou"), 0.999);
    EXPECT_LT(figure(figures, "iou_near"), figure(figures, "iou"));
    EXPECT_NEAR(figure(shape_figures(models::Shape(ball_grid(0.3)), scan), "iou"), std::pow(0.75, 3), 0.03);
    EXPECT_TRUE(std::isnan(figure(figures, "chamfer")));
    EXPECT_DOUBLE_EQ(score_of({{"validation_iou", 0.7}}, "validation_"), 0.7);
}

TEST(ShapeFigures, SurfacesGiveTheChamferDistance) {
    const auto scan = ball_scan();
    const models::Shape same = testing::make_sphere(0.4, 64), larger = testing::make_sphere(0.45, 64);
    const double floor = figure(shape_figures(same, scan), "chamfer");  // of sampling
    EXPECT_LT(floor, 0.02);
    EXPECT_NEAR(figure(shape_figures(larger, scan), "chamfer"), 0.05, 0.01);
    geom::PointCloud points;
    for (const auto& p : scan.surface) points.points.emplace_back(p);
    EXPECT_LT(figure(shape_figures(models::Shape(points), scan), "chamfer"), 1e-6);
    for (auto& p : points.points) p += geom::Vec3d{2, 0, 0};
    EXPECT_GT(figure(shape_figures(models::Shape(points), scan), "chamfer"), 1.2);
    // What has no surface is far away, not missing.
    EXPECT_GT(figure(shape_figures(models::Shape(geom::TriMesh{}), scan), "chamfer"), 1.2);
    points.points.front().x = NAN;
    EXPECT_GT(figure(shape_figures(models::Shape(points), scan), "chamfer"), 1.2);
    EXPECT_DOUBLE_EQ(score_of({{"validation_chamfer", 0.25}}, "validation_"), 0.75);
    EXPECT_DOUBLE_EQ(score_of({{"validation_chamfer", 3}}, "validation_"), 0);
    EXPECT_DOUBLE_EQ(score_of({{"validation_loss", 3}}, "validation_"), -1);
}

TEST(ShapeFigures, EveryKindOfShapeHasAPicture) {
    geom::PointCloud scan;
    for (const auto& p : ball_scan().cloud) scan.points.emplace_back(p);
    for (const auto& p : testing::make_sphere(0.4, 8).vertices) scan.points.push_back(p);
    geom::RenderOptions view;
    view.width = view.height = 96;
    view.lights = 4;
    std::vector<models::Shape> shapes;
    shapes.emplace_back(scan);
    shapes.emplace_back(testing::make_sphere(0.4, 8));
    shapes.emplace_back(ball_grid(0.4));
    for (const auto& shape : shapes) {
        const auto picture = shape_picture(scan, shape, 16, view);
        EXPECT_GT(picture.width, picture.height);
        EXPECT_NE(picture.data.front(), picture.data[picture.data.size() / 2]);
    }
}

}  // namespace
}  // namespace nir::pipeline
