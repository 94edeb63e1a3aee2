// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/io/safetensors.h"
#include "nir/render/radiance_model.h"

#include "render/test_ball.h"

#include <filesystem>

namespace nir::render {
namespace {

/// Gradients of the table, all levels.
std::vector<float> table_gradient(const RadianceField& field, const GroupGradients& g) {
    std::vector<float> table(field.table.size());
    for (std::size_t l = 0; l < field.grid.levels.size(); ++l) {
        const auto& level = field.grid.levels[l];
        std::vector<std::uint8_t> touched(level.entries / kernels::kHashGridBlock + 1);
        kernels::hash_grid_scatter(field.grid, l, {g.x, g.y, g.z}, g.by_level[l],
                                   std::span(table).subspan(level.offset * 2, level.entries * std::size_t{2}), touched);
    }
    return table;
}

/// Opacities have a kink where a distance begins to rise along a ray, normals turn fast where slopes are small.
void expect_gradients(ChunkLoss& loss, double table_step = 0.2, double table_tolerance = 0.05) {
    loss.value();
    ASSERT_GT(loss.out.trained, 1000u);
    const GroupGradients g = loss.out;
    loss.expect_slope(loss.field.density_weights, g.density, 2e-3, 0.02);
    loss.expect_slope(loss.field.colour_weights, g.colour, 2e-3, 0.02);
    loss.expect_slope(loss.field.table, table_gradient(loss.field, g), table_step, table_tolerance);
}

TEST(SurfaceField, GradientsOfADistanceAreFiniteDifferences) {
    ChunkLoss loss(FieldShape::distance);
    loss.options.eikonal = loss.options.smoothness = loss.options.carved = 0;
    expect_gradients(loss, 0.05, 0.1);
}

TEST(SurfaceField, GradientsOfTheEikonalTermAreFiniteDifferences) {
    ChunkLoss loss(FieldShape::distance);
    loss.options.eikonal = 3, loss.options.smoothness = 0.5;
    expect_gradients(loss);
}

TEST(SurfaceField, GradientsOfAnOccupancyAreFiniteDifferences) {
    ChunkLoss loss(FieldShape::occupancy);
    loss.options.smoothness = 0;
    expect_gradients(loss);
}

TEST(SurfaceField, GradientsOfSmoothNormalsAreFiniteDifferences) {
    ChunkLoss loss(FieldShape::occupancy);
    loss.options.smoothness = 3;
    expect_gradients(loss, 0.02, 0.1);
}

TEST(SurfaceField, CarvedCellsPushTheSurfaceAway) {
    for (const FieldShape shape : {FieldShape::distance, FieldShape::occupancy}) {
        ChunkLoss loss(shape);
        loss.options.eikonal = loss.options.smoothness = 0, loss.options.carved = 30;
        loss.candidates.assign(kernels::kBricksPerCascade, 0);  // nothing may be anywhere
        loss.candidates[0] = 1;
        expect_gradients(loss);
    }
}

TEST(SurfaceField, BeginsAsABall) {
    for (const FieldShape shape : {FieldShape::distance, FieldShape::occupancy}) {
        const RadianceField field(small_field(shape), 1);
        const std::vector<float> x{0.5f, 0.95f, 0.5f}, y{0.75f, 0.5f, 0.5f}, z{0.5f, 0.5f, 0.6f};
        std::vector<float> value(3);
        field.level_values({x, y, z}, value);
        EXPECT_NEAR(value[0], 0, 1e-2);
        EXPECT_LT(value[1], -0.04);
        EXPECT_GT(value[2], 0.14);
    }
    RadianceFieldConfig wide = small_field(FieldShape::distance);
    wide.cascades = 2;
    EXPECT_THROW(RadianceField{wide}, Error);
}

struct Trained {
    RadianceModel model;
    double psnr, worst_radius, mean_radius;
};

Trained train_ball(FieldShape shape, int steps, int resume_at = -1) {
    const auto views = ball_views(24, 48);
    OccupancyGrid grid;
    grid.carve(views, kFrame);
    RadianceField field(small_field(shape), 1);
    RadianceTrainerOptions options = small_options();
    options.last_sharpness = 150;
    auto trainer = std::make_unique<RadianceTrainer>(field, grid, views, kFrame, options);
    for (int i = 0; i < steps; ++i) {
        if (i == resume_at) {
            io::TensorFile state;
            trainer->save(state);
            field = RadianceField(small_field(shape), 99);
            grid = OccupancyGrid();
            trainer = std::make_unique<RadianceTrainer>(field, grid, views, kFrame, options);
            trainer->restore(state);
        }
        trainer->step(static_cast<double>(i) / steps);
    }
    RadianceModel model{field, grid, kFrame, options.march};
    const PosedView test = ball_view(geom::Vec3d{0.3, -0.5, 0.81} * 4.0, 48);
    RenderOptions look;
    look.march = options.march;
    const auto picture = render_view(field, grid, kFrame, test.camera, test.world_from_camera, look);
    DensityField surface(model, 0);
    extract::ExtractOptions how;
    how.resolution_0 = 32, how.upsampling = 0;
    NoProgress progress;
    const auto mesh = extract::extract_mesh(surface, how, progress).mesh;
    double worst = mesh.vertices.empty() ? 1 : 0, mean = 0;
    for (const auto& v : mesh.vertices) {
        const double off = std::abs(geom::norm(static_cast<geom::Vec3d>(v)) - 0.6);
        worst = std::max(worst, off), mean += off / static_cast<double>(mesh.vertices.size());
    }
    return {std::move(model), psnr(picture.rgb, on_background(test, look.background)), worst, mean};
}

TEST(SurfaceField, FindsTheBallAsADistance) {
    const Trained t = train_ball(FieldShape::distance, 350);
    EXPECT_GT(t.psnr, 24);
    EXPECT_LT(t.worst_radius, 0.04);
    EXPECT_LT(t.mean_radius, 0.01);
}

TEST(SurfaceField, FindsTheBallAsAnOccupancy) {
    const Trained t = train_ball(FieldShape::occupancy, 350);
    EXPECT_GT(t.psnr, 24);
    EXPECT_LT(t.worst_radius, 0.12);
    EXPECT_LT(t.mean_radius, 0.05);  // steps of 0.017 see the surface before the occupancy is a half
}

TEST(SurfaceField, GoesOnBitByBitAndComesBackFromItsFile) {
    Trained a = train_ball(FieldShape::distance, 30);
    const Trained b = train_ball(FieldShape::distance, 30, 17);
    EXPECT_EQ(a.model.field.table, b.model.field.table);
    EXPECT_EQ(a.model.field.colour_weights, b.model.field.colour_weights);
    const auto path = std::filesystem::path(testing::TempDir()) / "surface_field.safetensors";
    save_radiance(path, a.model);
    const RadianceModel back = load_radiance(path);
    EXPECT_EQ(back.field.config.shape, FieldShape::distance);
    EXPECT_EQ(back.field.sharpness, a.model.field.sharpness);
    EXPECT_EQ(back.field.table, a.model.field.table);
    auto file = io::read_safetensors(path);
    file.metadata["shape"] = "cube";
    io::write_safetensors(path, file);
    EXPECT_THROW(load_radiance(path), Error);
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace nir::render
