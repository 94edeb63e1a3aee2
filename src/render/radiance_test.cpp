// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/io/safetensors.h"
#include "nir/render/radiance_model.h"
#include "nir/render/radiance_trainer.h"

#include "render/training_chunk.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <optional>

namespace nir::render {
namespace {

using geom::Vec3d;

/// Where the ray first meets the ball around 0 of radius 0.6, if it does.
std::optional<double> ball_distance(const geom::Ray& ray) {
    const double b = dot(ray.origin, ray.direction), c = squared_norm(ray.origin) - 0.36, root = b * b - c;
    if (root < 0) return std::nullopt;
    return -b - std::sqrt(root);
}

/// A ball whose colour is its normal, transparent around it, seen from all sides.
PosedView ball_view(Vec3d eye, int size) {
    PosedView view;
    view.camera = geom::pinhole_camera(size, size, 0.6);
    view.world_from_camera = geom::look_at(eye, {0, 0, 0}, {0, 0, 1});
    view.rgba = geom::Image8(size, size, 4);
    for (int y = 0; y < size; ++y)
        for (int x = 0; x < size; ++x) {
            const auto ray = geom::ray_through(view.camera, view.world_from_camera, {x + 0.5, y + 0.5});
            const auto t = ball_distance(*ray);
            if (!t) continue;
            const Vec3d normal = (ray->origin + ray->direction * *t) / 0.6;
            std::uint8_t* p = view.rgba.pixel(x, y);
            for (int k = 0; k < 3; ++k) p[k] = static_cast<std::uint8_t>(std::lround(127.5 + 100 * normal[k]));
            p[3] = 255;
        }
    return view;
}

std::vector<PosedView> ball_views(int count, int size, double phase = 0) {
    std::vector<PosedView> views;
    for (int i = 0; i < count; ++i) {
        const double z = -1 + (2 * i + 1.0) / count, a = 2.4 * i + phase, r = std::sqrt(1 - z * z);
        views.push_back(ball_view(Vec3d{r * std::cos(a), r * std::sin(a), z} * 4.0, size));
    }
    return views;
}

const FieldFrame kFrame{{0, 0, 0}, 1.6};

RadianceFieldConfig small_field() {
    RadianceFieldConfig config;
    config.grid = {8, 2, 13, 8, 128};
    config.hidden = 32;
    return config;
}

RadianceTrainerOptions small_options() {
    RadianceTrainerOptions options;
    options.march.steps_across = 160;
    options.first_batch = 1 << 12, options.last_batch = 1 << 14, options.double_every = 50;
    return options;
}

TEST(VisibleCells, TheHullHoldsTheBallAndLittleElse) {
    const auto views = ball_views(40, 64);
    const geom::Box3d box = hull_box(views, {{0, 0, 0}, 3.0});
    for (int a = 0; a < 3; ++a) {
        EXPECT_LE(box.lo[a], -0.6);
        EXPECT_GE(box.hi[a], 0.6);
        EXPECT_GT(box.lo[a], -0.95);
        EXPECT_LT(box.hi[a], 0.95);
    }
    OccupancyGrid grid;
    EXPECT_EQ(grid.candidates(), kernels::kCellsPerCascade);
    grid.carve(views, kFrame);
    std::size_t inside = 0;
    for (std::uint32_t cell = 0; cell < kernels::kCellsPerCascade; ++cell) {
        const auto at = kernels::occupancy_position(cell);
        const auto part = [&](std::size_t k) { return (at[k] + 0.5) / kernels::kOccupancyCells; };
        if (norm(kFrame.world_from_field({part(0), part(1), part(2)})) > 0.6) continue;
        ++inside;
        ASSERT_TRUE((grid.view().bricks[cell / 64] >> (cell % 64)) & 1) << cell;
    }
    EXPECT_LT(static_cast<double>(grid.candidates()), 1.7 * static_cast<double>(inside));
}

TEST(VisibleCells, ViewsWithoutAlphaCarveNothingThatTheySee) {
    auto views = ball_views(6, 32);
    for (auto& view : views) {
        geom::Image8 rgb(view.rgba.width, view.rgba.height, 3);
        view.rgba = rgb;
    }
    OccupancyGrid grid;
    EXPECT_EQ(grid.carve(views, {{0, 0, 0}, 0.5}), kernels::kCellsPerCascade);
    EXPECT_EQ(grid.carve(views, {{0, 0, 500}, 0.5}), 0u);
}

/// The loss of one chunk of rays and its gradients.
struct ChunkLoss {
    const std::vector<PosedView> views = ball_views(4, 24);
    RadianceTrainerOptions options = small_options();
    OccupancyGrid grid;
    RadianceField field{small_field(), 3};
    GroupGradients out;
    static constexpr std::size_t kRays = 64;

    ChunkLoss() {
        Rng rng(8);
        for (float& w : field.table) w = static_cast<float>(rng.uniform(-0.5, 0.5));
        options.stop_at = 0;  // the end of a ray is a step of the loss
    }
    double value() {
        field.refresh_halves();
        field.pack_networks();
        out.clear(field);
        const TrainingScene scene(field, views, kFrame, options);
        TrainingChunk chunk;
        chunk.run(scene, grid.view(), 0, kRays, 0, kRays, out);
        return out.loss / kRays;
    }
    /// Slope along `direction` from the gradients, and from two values.
    void expect_slope(std::vector<float>& weights, const std::vector<float>& gradient, double step, double tolerance) {
        const double length = std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0));
        ASSERT_GT(length, 1e-4);
        const auto before = weights;
        const auto move = [&](double by) {
            for (std::size_t i = 0; i < weights.size(); ++i)
                weights[i] = before[i] + static_cast<float>(by * static_cast<double>(gradient[i]) / length);
            return value();
        };
        const double up = move(step), down = move(-step);
        weights = before;
        EXPECT_NEAR((up - down) / (2 * step) / length, 1, tolerance);
    }
};

TEST(TrainingChunk, GradientsOfNetworksAndTableAreFiniteDifferences) {
    ChunkLoss loss;
    loss.value();
    ASSERT_GT(loss.out.trained, 1000u);
    const GroupGradients gradients = loss.out;
    loss.expect_slope(loss.field.density_weights, gradients.density, 2e-3, 0.01);
    loss.expect_slope(loss.field.colour_weights, gradients.colour, 2e-3, 0.01);
    std::vector<float> table(loss.field.table.size());
    for (std::size_t l = 0; l < loss.field.grid.levels.size(); ++l) {
        const auto& level = loss.field.grid.levels[l];
        std::vector<std::uint8_t> touched(level.entries / kernels::kHashGridBlock + 1);
        kernels::hash_grid_scatter(loss.field.grid, l, {gradients.x, gradients.y, gradients.z}, gradients.by_level[l],
                                   std::span(table).subspan(level.offset * 2, level.entries * std::size_t{2}), touched);
    }
    loss.expect_slope(loss.field.table, table, 0.2, 0.05);  // halves: rounding to 2^-12
}

TEST(RadianceTrainer, LearnsABallAndItsDepth) {
    const auto views = ball_views(24, 48), held_out = ball_views(3, 48, 1.0);
    OccupancyGrid grid;
    grid.carve(views, kFrame);
    RadianceField field(small_field(), 1);
    RadianceTrainer trainer(field, grid, views, kFrame, small_options());
    StepReport report;
    for (int i = 0; i < 160; ++i) report = trainer.step(i / 160.0);
    EXPECT_GT(report.trained, std::size_t{1} << 13);
    EXPECT_GE(report.evaluated, report.trained);
    RenderOptions look;
    look.march.steps_across = 160;
    for (const PosedView& view : held_out) {
        const auto picture = render_view(field, grid, kFrame, view.camera, view.world_from_camera, look);
        const auto truth = on_background(view, look.background);
        EXPECT_GT(psnr(picture.rgb, truth), 27);
        EXPECT_LT(psnr(std::vector<float>(truth.size(), 1.0f), truth), 15);
        const std::size_t middle = 24 * 48 + 24;
        EXPECT_NEAR(picture.depth[middle], 3.4, 0.35);  // still a soft shell; the middle of the ball is at 4
        EXPECT_GT(picture.alpha[middle], 0.98f);
        EXPECT_LT(picture.alpha[0], 0.02f);
    }
    EXPECT_LT(grid.occupied(), grid.candidates());

    const RadianceModel model{field, grid, kFrame, look.march};
    const auto level = surface_level(model, views);
    ASSERT_TRUE(level);
    DensityField density(model, *level);
    extract::ExtractOptions how;
    how.resolution_0 = 32, how.upsampling = 1;
    geom::TriMesh mesh = extract::extract_mesh(density, how).mesh;
    color_vertices(model, mesh);
    ASSERT_GT(mesh.vertices.size(), 500u);
    double radius = 0, wrong = 0;  // without the inside of the shell
    std::size_t outer = 0;
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
        const geom::Vec3d v = mesh.vertices[i];
        if (norm(v) < 0.4) continue;
        ++outer, radius += norm(v);
        wrong += std::abs(mesh.colors[i].r - (127.5 + 100 * v.x / norm(v)));
    }
    EXPECT_NEAR(radius / static_cast<double>(outer), 0.6, 0.08);
    EXPECT_LT(wrong / static_cast<double>(outer), 25);

    const ViewDepths depths(model, views);
    EXPECT_TRUE(depths.hidden({0.05, 0, 0.1}));
    EXPECT_FALSE(depths.hidden({0.75, 0, 0}));
    EXPECT_FALSE(depths.hidden({50, 50, 50}));
    DensityField filled(model, *level, &depths);
    mesh = extract::extract_mesh(filled, how).mesh;
    ASSERT_GT(mesh.vertices.size(), 500u);
    std::size_t within = 0;  // dents of the soft shell after so few steps
    for (const geom::Vec3d& v : mesh.vertices) within += norm(v) < 0.4 ? 1u : 0u;
    EXPECT_LT(within, mesh.vertices.size() / 8);
}

TEST(RadianceModel, ComesBackAsItWasSaved) {
    RadianceModel model{RadianceField(small_field(), 5), OccupancyGrid(), {{1, 2, 3}, 0.1}, {300, 0.001, 0.5}};
    model.grid.carve(ball_views(4, 16), kFrame);
    geom::Camera camera = geom::pinhole_camera(31, 17, 0.7);
    camera.lens.model = geom::LensModel::opencv, camera.lens.k = {0.1, 0.02, 0, 0}, camera.lens.p2 = 1e-3;
    model.views = {{camera, geom::look_at({1, 2, 3}, {0, 0.1, 0})}};
    model.info["info.step"] = "12";
    const auto path = std::filesystem::path(::testing::TempDir()) / "nir_radiance_model.safetensors";
    save_radiance(path, model);
    const RadianceModel read = load_radiance(path);
    ASSERT_EQ(read.views.size(), 1u);
    EXPECT_EQ(read.views[0].camera, camera);
    EXPECT_EQ(read.views[0].world_from_camera, model.views[0].world_from_camera);
    EXPECT_EQ(read.info, model.info);
    EXPECT_EQ(read.field.table, model.field.table);
    EXPECT_EQ(read.field.half_table, model.field.half_table);
    EXPECT_EQ(read.field.density_packed, model.field.density_packed);
    EXPECT_EQ(read.field.colour_weights, model.field.colour_weights);
    EXPECT_EQ(read.grid.candidates(), model.grid.candidates());
    EXPECT_EQ(read.grid.occupied(), model.grid.occupied());
    EXPECT_EQ(read.frame.center, model.frame.center);
    EXPECT_EQ(read.frame.side, model.frame.side);
    EXPECT_EQ(read.march.cone, 0.001);
    io::TensorFile file = io::read_safetensors(path);
    auto views = file.arrays.back().to_double();
    views[2] = -1;  // a focal length
    const auto good = std::exchange(file.arrays.back(), io::NamedArray::from("views", {1, 28}, views));
    io::write_safetensors(path, file);
    EXPECT_THROW(load_radiance(path), Error);
    file.arrays.back() = good;
    file.metadata["levels"] = "9";
    io::write_safetensors(path, file);
    EXPECT_THROW(load_radiance(path), Error);
    file.metadata["format"] = "another";
    io::write_safetensors(path, file);
    EXPECT_THROW(load_radiance(path), Error);
    std::filesystem::remove(path);
}

TEST(RadianceTrainer, TheSameBytesForAnyNumberOfThreads) {
    const auto views = ball_views(6, 24);
    const int before = threads();
    std::vector<std::vector<float>> tables, networks;
    for (const int n : {1, 2, 3}) {
        set_threads(n);
        OccupancyGrid grid;
        RadianceField field(small_field(), 1);
        RadianceTrainerOptions options = small_options();
        options.grid_from = 2, options.grid_every = 3;
        RadianceTrainer trainer(field, grid, views, kFrame, options);
        for (int i = 0; i < 12; ++i) trainer.step(0.5);
        tables.push_back(field.table), networks.push_back(field.colour_weights);
    }
    set_threads(before);
    for (std::size_t i = 1; i < tables.size(); ++i) {
        EXPECT_EQ(tables[0], tables[i]);
        EXPECT_EQ(networks[0], networks[i]);
    }
}

TEST(RadianceTrainer, GoesOnBitByBit) {
    const auto views = ball_views(6, 24);
    RadianceTrainerOptions options = small_options();
    options.grid_from = 2, options.grid_every = 3;
    struct Training {
        OccupancyGrid grid;
        RadianceField field{small_field(), 1};
        RadianceTrainer trainer;
        Training(const std::vector<PosedView>& v, const RadianceTrainerOptions& o)
            : trainer(field, grid, v, kFrame, o) {}
        void run(std::size_t to) {
            while (trainer.steps() < to) trainer.step(static_cast<double>(trainer.steps()) / 20);
        }
    };
    Training straight(views, options), first(views, options), second(views, options);
    straight.run(20);
    first.run(9);
    io::TensorFile state;
    first.trainer.save(state);
    second.run(3);  // forgotten
    second.trainer.restore(state);
    second.run(20);
    EXPECT_EQ(straight.field.table, second.field.table);
    EXPECT_EQ(straight.field.colour_weights, second.field.colour_weights);
    EXPECT_EQ(straight.grid.candidate_values(), second.grid.candidate_values());
    EXPECT_NE(straight.field.table, first.field.table);

    RadianceFieldConfig other = small_field();
    other.grid.log2_entries = 12;
    RadianceField field(other);
    OccupancyGrid grid;
    RadianceTrainer smaller(field, grid, views, kFrame, options);
    EXPECT_THROW(smaller.restore(state), Error);
    state.metadata["trainer.rays"] = "many";
    EXPECT_THROW(second.trainer.restore(state), Error);
}

TEST(RadianceTrainer, RefusesPhotosThatDoNotFitTheirCameras) {
    auto views = ball_views(2, 16);
    OccupancyGrid grid;
    RadianceField field(small_field());
    const auto make = [&] { RadianceTrainer(field, grid, views, kFrame, small_options()); };
    EXPECT_NO_THROW(make());
    views[1].camera = geom::pinhole_camera(17, 16, 0.6);
    EXPECT_THROW(make(), Error);
    views.clear();
    EXPECT_THROW(make(), Error);
    EXPECT_THROW(RadianceField({{8, 4, 19, 16, 512}, 60, 1}), Error);
    EXPECT_THROW(RadianceField({{3, 4, 19, 16, 512}, 64, 1}), Error);
}

TEST(RadianceTrainer, IgnoredPixelsTeachNothing) {
    auto views = ball_views(2, 16);
    for (auto& view : views) view.valid.assign(16 * 16, 0);
    OccupancyGrid grid;
    RadianceField field(small_field());
    const auto before = field.table;
    RadianceTrainer trainer(field, grid, views, kFrame, small_options());
    const StepReport report = trainer.step(0);
    EXPECT_EQ(report.trained, 0u);
    EXPECT_EQ(report.loss, 0.0);
    EXPECT_EQ(field.table, before);
}

TEST(RenderView, AnEmptySceneIsBackground) {
    OccupancyGrid grid;
    const PosedView view = ball_view({0, -4, 0}, 8);
    RadianceField field(small_field());
    RenderOptions look;
    look.background = {0.25f, 0.5f, 1};
    const FieldFrame elsewhere{{100, 0, 0}, 1};
    const auto picture = render_view(field, grid, elsewhere, view.camera, view.world_from_camera, look);
    for (std::size_t i = 0; i < 64; ++i) {
        EXPECT_EQ(picture.rgb[3 * i], 0.25f);
        EXPECT_EQ(picture.rgb[3 * i + 2], 1.0f);
        EXPECT_EQ(picture.alpha[i], 0.0f);
        EXPECT_EQ(picture.depth[i], 0.0f);
    }
    EXPECT_EQ(picture.image().pixel(3, 3)[1], 128);
}

TEST(Psnr, IsThatOfRoundedPictures) {
    const auto of = [](std::vector<float> a, std::vector<float> b, std::vector<std::uint8_t> valid = {}) {
        return psnr(a, b, valid);
    };
    EXPECT_NEAR(of({0.5f, 0.5f, 1}, {0.5f, 0.5f, 1}), 120, 1e-9);
    EXPECT_NEAR(of({1, 1, 1}, {0, 0, 0}), 0, 1e-9);
    EXPECT_NEAR(of({0.2f, 0.2f, 0.2f}, {0.3f, 0.3f, 0.3f}), -20 * std::log10(26.0 / 255), 1e-9);  // 51 and 77 (76.5 up)
    EXPECT_NEAR(of({1, 1, 1, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {1, 0}), 0, 1e-9);
    EXPECT_NEAR(of({1, 1, 1, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 1}), 120, 1e-9);
    EXPECT_TRUE(std::isnan(of({1, 1, 1}, {0, 0, 0}, {0})));
    EXPECT_THROW(of({1}, {1, 1}), Error);
}

}  // namespace
}  // namespace nir::render
