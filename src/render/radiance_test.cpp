// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/io/safetensors.h"
#include "nir/render/image_error.h"
#include "nir/render/radiance_model.h"
#include "nir/render/radiance_trainer.h"

#include "render/test_ball.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <optional>

namespace nir::render {
namespace {

using geom::Vec3d;

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

/// The ball with a training scene whose corrections can be moved. The cube holds the cameras, so that samples do not
/// depend on where rays enter it.
struct PhotoLoss : ChunkLoss {
    const FieldFrame frame{{0, 0, 0}, 12};
    TrainingScene scene;
    /// @param dense nothing is left where rays leave the cube: there samples come and go with the pose
    explicit PhotoLoss(const RadianceTrainerOptions& o, bool dense = false) : scene(field, views, frame, o) {
        scene.options.stop_at = 0;
        scene.options.pose_rays = 1;
        const std::size_t row = field.density_net.widths[0] * field.density_net.widths[1];
        for (std::size_t i = 0; dense && i < field.density_net.widths[1]; ++i)
            field.density_weights[row + i] = 8 * std::abs(field.density_weights[row + i]);
        field.refresh_halves();
        field.pack_networks();
    }
    double at(std::size_t view, const geom::Pose& pose) {
        scene.rays[view] =
            ViewRays(views[view].camera, pose, frame,
                     std::make_shared<const geom::PixelDirections>(pixel_directions(views[view].camera)));
        return run();
    }
    double run() {
        out.clear(scene);
        TrainingChunk chunk;
        chunk.run(scene, grid.view(), 0, kRays, 0, kRays, out);
        return out.loss / kRays;
    }
};

TEST(TrainingChunk, GradientsOfGainsAreFiniteDifferences) {
    RadianceTrainerOptions options = small_options();
    options.exposure = true;
    PhotoLoss loss(options);
    loss.scene.gains[1] = {0.8f, 1.1f, 0.9f};
    loss.run();
    const auto gradient = loss.out.gains;
    for (std::size_t v = 0; v < 3; ++v)
        for (std::size_t k = 0; k < 3; ++k) {
            const float before = loss.scene.gains[v][k], step = 1e-2f;
            loss.scene.gains[v][k] = before * std::exp(step);
            const double up = loss.run();
            loss.scene.gains[v][k] = before * std::exp(-step);
            const double down = loss.run();
            loss.scene.gains[v][k] = before;
            EXPECT_NEAR((up - down) / (2 * static_cast<double>(step)), gradient[6 * v + k],
                        0.02 * std::abs(gradient[6 * v + k]) + 2e-5);
        }
}

TEST(TrainingChunk, GradientsOfPosesAreFiniteDifferences) {
    RadianceTrainerOptions options = small_options();
    options.poses = true;
    PhotoLoss loss(options, true);
    loss.run();
    const auto gradient = loss.out.poses;
    const auto slope = [&](std::size_t view, auto&& moved) {
        const double step = 2e-4;
        const double up = loss.at(view, moved(step)), down = loss.at(view, moved(-step));
        loss.at(view, moved(0));
        return (up - down) / (2 * step);
    };
    // Kinks of the lattice and of the networks stand in the way of single slopes; together they must agree.
    double product = 0, ours = 0, theirs = 0;
    for (const std::size_t view : {0u, 2u})
        for (int axis = 0; axis < 3; ++axis) {
            const geom::Pose& pose = loss.views[view].world_from_camera;
            Vec3d a;
            a[axis] = 1;
            const auto turn = [&](double by) {
                geom::Pose p = pose;
                for (Vec3d* v : {&p.right, &p.up, &p.back}) *v = *v + cross(a, *v) * by;
                return p;
            };
            const auto move = [&](double by) {
                geom::Pose p = pose;
                p.position = p.position + a * (by * loss.frame.side);
                return p;
            };
            const std::size_t at = 6 * view + static_cast<std::size_t>(axis);
            for (const auto& [g, s] : {std::pair(static_cast<double>(gradient[at]), slope(view, turn)),
                                       std::pair(static_cast<double>(gradient[at + 3]), slope(view, move))})
                product += g * s, ours += g * g, theirs += s * s;
        }
    ASSERT_GT(ours, 1e-6);
    EXPECT_GT(product / std::sqrt(ours * theirs), 0.95);
    EXPECT_NEAR(std::sqrt(ours / theirs), 1, 0.3);
}

TEST(TrainingChunk, GradientsOfDistortionAndBackgroundAreFiniteDifferences) {
    RadianceTrainerOptions options = small_options();
    options.distortion = 0.5, options.environment = true;
    PhotoLoss loss(options);
    Rng rng(4);
    for (float& v : loss.scene.environment.raw) v = static_cast<float>(rng.uniform(-1, 1));
    loss.run();
    const auto density = loss.out.density, far = loss.out.environment;
    const auto slope = [&](std::vector<float>& numbers, const std::vector<float>& gradient, double step) {
        const double length = std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0));
        const auto before = numbers;
        const auto at = [&](double by) {
            for (std::size_t i = 0; i < numbers.size(); ++i)
                numbers[i] = before[i] + static_cast<float>(by * static_cast<double>(gradient[i]) / length);
            loss.field.pack_networks();
            return loss.run();
        };
        const double up = at(step), down = at(-step);
        numbers = before;
        loss.field.pack_networks();
        EXPECT_GT(length, 1e-5);
        return (up - down) / (2 * step) / length;
    };
    EXPECT_NEAR(slope(loss.field.density_weights, density, 2e-3), 1, 0.02);
    loss.scene.options.distortion = 0;
    EXPECT_NEAR(slope(loss.scene.environment.raw, far, 5e-2), 1, 0.02);
}

TEST(TrainingChunk, WhatIsNearACameraLearnsLess) {
    RadianceTrainerOptions options = small_options();
    PhotoLoss loss(options);
    loss.run();
    double all = 0, faded = 0;
    for (const float g : loss.out.density) all += std::abs(static_cast<double>(g));
    loss.scene.options.fade = 1e3;
    loss.run();
    for (const float g : loss.out.density) faded += std::abs(static_cast<double>(g));
    EXPECT_GT(all, 0);
    EXPECT_LT(faded, 1e-3 * all);
}

TEST(RadianceTrainer, FindsGains) {
    auto views = ball_views(48, 32);
    // Checks: with colours that follow the normal, a gain a view could as well be a colour of the ball.
    for (auto& view : views)
        for (std::size_t i = 0; i < view.rgba.data.size(); i += 4) {
            std::uint8_t* p = view.rgba.data.data() + i;
            int sum = 0;
            for (int k = 0; k < 3; ++k) sum += static_cast<int>(std::floor((p[k] - 127.5) / 40 + 100));
            for (int k = 0; k < 3; ++k) p[k] = sum % 2 ? 220 : 90;
        }
    Rng rng(5);
    std::vector<double> gains;
    double mean = 0;
    for (auto& view : views) {
        gains.push_back(rng.uniform(-0.3, 0.3));
        mean += gains.back() / 48;
        for (std::size_t i = 0; i < view.rgba.data.size(); ++i)
            if (i % 4 != 3)
                view.rgba.data[i] = static_cast<std::uint8_t>(std::exp(gains.back()) * 0.85 * view.rgba.data[i]);
    }
    OccupancyGrid grid;
    RadianceField field(small_field(), 1);
    RadianceTrainerOptions options = small_options();
    options.exposure = true;
    RadianceTrainer trainer(field, grid, views, kFrame, options);
    for (int i = 0; i < 250; ++i) trainer.step(i / 250.0);
    // A step of this test has three rays of each view, so that the single gains are noisy.
    double product = 0, ours = 0, theirs = 0;
    for (std::size_t v = 0; v < views.size(); ++v)
        for (std::size_t k = 0; k < 3; ++k) {
            const double found = std::log(static_cast<double>(trainer.corrections().gain(v)[k])), is = gains[v] - mean;
            product += found * is, ours += found * found, theirs += is * is;
        }
    EXPECT_GT(product / std::sqrt(ours * theirs), 0.65);
    EXPECT_GT(product / theirs, 0.6);
}

TEST(RadianceTrainer, FindsPoses) {
    auto views = ball_views(16, 40);
    const auto straight = views;
    Rng rng(5);
    Vec3d drift;
    for (auto& view : views) {
        const Vec3d away{rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08), rng.uniform(-0.08, 0.08)};
        view.world_from_camera.position = view.world_from_camera.position + away;
        drift = drift + away / 16;
    }
    const auto train = [&](bool correct) {
        OccupancyGrid grid;
        RadianceField field(small_field(), 1);
        RadianceTrainerOptions options = small_options();
        options.poses = correct;
        options.pose_rate = 1e-3, options.pose_rays = 2;
        RadianceTrainer trainer(field, grid, views, kFrame, options);
        double mse = 0, error = 0;
        for (int i = 0; i < 250; ++i) mse = trainer.step(i / 250.0).mse;
        // Where the ball's middle is seen, as an angle: turning and moving do the same for it.
        const auto seen = [](const geom::Pose& pose, Vec3d point) {
            const Vec3d c = pose.camera_from_world(point);
            return Vec3d{c.x / c.z, c.y / c.z, 0};
        };
        for (std::size_t v = 0; v < views.size(); ++v)
            error +=
                norm(seen(trainer.corrections().pose(v), drift) - seen(straight[v].world_from_camera, {0, 0, 0})) / 16;
        return std::array<double, 2>{mse, error};
    };
    const auto without = train(false), with = train(true);
    EXPECT_LT(with[0], 0.7 * without[0]);
    EXPECT_LT(with[1], 0.7 * without[1]);
}

TEST(EnvironmentMap, IsSmoothAroundTheSeamAndOverThePoles) {
    EnvironmentMap map(8, 4);
    Rng rng(2);
    for (float& v : map.raw) v = static_cast<float>(rng.uniform(-2, 2));
    const auto near = [&](std::array<float, 3> a, std::array<float, 3> b) {
        const auto x = map.color(a), y = map.color(b);
        return std::abs(x[0] - y[0]) + std::abs(x[1] - y[1]) + std::abs(x[2] - y[2]);
    };
    EXPECT_LT(near({-1, 1e-4f, 0}, {-1, -1e-4f, 0}), 1e-2);
    EXPECT_LT(near({0.6f, 0.8f, 0}, {0.6001f, 0.7999f, 0}), 1e-2);
    for (const std::array<float, 3> d : {std::array<float, 3>{0, 0, 1}, {0, 0, -1}, {-1, 0, 0}, {0, 1, 0}}) {
        float sum = 0;
        for (const float w : map.taps(d).weight) sum += w;
        EXPECT_NEAR(sum, 1, 1e-6);
        for (const std::uint32_t t : map.taps(d).texel) EXPECT_LT(t, 32u);
    }
}

TEST(PosedView, TheCurveOfSrgbGoesThereAndBack) {
    for (int i = 0; i < 256; ++i) {
        const float v = static_cast<float>(i) / 255;
        EXPECT_NEAR(srgb_from_linear(linear_from_srgb(v)), v, 1e-6);
    }
    EXPECT_NEAR(linear_from_srgb(0.5f), 0.21404f, 1e-5);
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
    look.normals = true;
    double towards = 0;
    for (const PosedView& view : held_out) {
        const auto picture = render_view(field, grid, kFrame, view.camera, view.world_from_camera, look);
        const auto truth = on_background(view, look.background);
        EXPECT_GT(psnr(picture.rgb, truth), 27);
        EXPECT_LT(psnr(std::vector<float>(truth.size(), 1.0f), truth), 15);
        const std::size_t middle = 24 * 48 + 24;
        EXPECT_NEAR(picture.depth[middle], 3.4, 0.35);  // still a soft shell; the middle of the ball is at 4
        EXPECT_GT(picture.alpha[middle], 0.98f);
        EXPECT_LT(picture.alpha[0], 0.02f);
        const geom::Vec3d out_of_ball = normalized(view.world_from_camera.position);
        double facing = 0;  // over a patch: the shell is still soft
        for (std::size_t i = 0; i < 81; ++i) {
            const float* n = picture.normals.data() + 3 * ((20 + i / 9) * 48 + 20 + i % 9);
            facing += (n[0] * out_of_ball.x + n[1] * out_of_ball.y + n[2] * out_of_ball.z) / 81;
        }
        EXPECT_GT(facing, 0.15);
        towards += facing / 3;
        EXPECT_EQ(picture.normals[0], 0.0f);
    }
    EXPECT_GT(towards, 0.4);
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
    EXPECT_TRUE(depths.seen({0.75, 0, 0}, 0.01));
    EXPECT_TRUE(depths.seen({0, 0.6, 0}, 0.2));
    EXPECT_FALSE(depths.seen({0.05, 0, 0.1}, 0.1));
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
    model.views[0].gain = {0.5f, 1.25f, 2};
    model.environment = EnvironmentMap(6, 3);
    model.environment.raw[7] = 0.75f;
    const auto path = std::filesystem::path(::testing::TempDir()) / "nir_radiance_model.safetensors";
    save_radiance(path, model);
    const RadianceModel read = load_radiance(path);
    ASSERT_EQ(read.views.size(), 1u);
    EXPECT_EQ(read.views[0].camera, camera);
    EXPECT_EQ(read.views[0].world_from_camera, model.views[0].world_from_camera);
    EXPECT_EQ(read.info, model.info);
    EXPECT_EQ(read.views[0].gain, model.views[0].gain);
    EXPECT_EQ(read.environment.raw, model.environment.raw);
    EXPECT_EQ(read.environment.width, 6);
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
    auto& cameras = file.arrays[4];
    ASSERT_EQ(cameras.name, "views");
    auto numbers = cameras.to_double();
    numbers[2] = -1;  // a focal length
    const auto good = std::exchange(cameras, io::NamedArray::from("views", {1, 31}, numbers));
    io::write_safetensors(path, file);
    EXPECT_THROW(load_radiance(path), Error);
    cameras = good;
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

TEST(Ssim, IsThatOfTheFormula) {
    Rng rng(3);
    geom::Image8 a(24, 20, 3), b = a;
    for (auto& v : a.data) v = static_cast<std::uint8_t>(rng.below(256));
    for (auto& v : b.data) v = static_cast<std::uint8_t>(rng.below(256));
    EXPECT_NEAR(ssim(a, a), 1, 1e-12);
    EXPECT_NEAR(ssim_luminance(a, a), 1, 1e-12);
    EXPECT_LT(std::abs(ssim(a, b)), 0.1);
    EXPECT_EQ(ssim(a, b), ssim(b, a));
    // Two even pictures: only the first factor is not 1.
    const geom::Image8 dark(16, 16, 3, 51), light(16, 16, 3, 102);
    const double expected = (2 * 0.2 * 0.4 + 1e-4) / (0.2 * 0.2 + 0.4 * 0.4 + 1e-4);
    EXPECT_NEAR(ssim(dark, light), expected, 1e-9);
    EXPECT_NEAR(ssim_luminance(dark, light), expected, 1e-5);  // its taps add up to 1.000000
    // One position of the window: the whole formula by plain sums.
    geom::Image8 p(11, 11, 1), q(11, 11, 1);
    for (auto& v : p.data) v = static_cast<std::uint8_t>(rng.below(256));
    for (auto& v : q.data) v = static_cast<std::uint8_t>(rng.below(256));
    double total = 0, mp = 0, mq = 0, pp = 0, qq = 0, pq = 0;
    for (int y = 0; y < 11; ++y)
        for (int x = 0; x < 11; ++x) {
            const double w = std::exp(-((x - 5) * (x - 5) + (y - 5) * (y - 5)) / 4.5);
            const double u = p.pixel(x, y)[0] / 255.0, v = q.pixel(x, y)[0] / 255.0;
            total += w, mp += w * u, mq += w * v, pp += w * u * u, qq += w * v * v, pq += w * u * v;
        }
    mp /= total, mq /= total, pp = pp / total - mp * mp, qq = qq / total - mq * mq, pq = pq / total - mp * mq;
    EXPECT_NEAR(ssim(p, q), (2 * mp * mq + 1e-4) * (2 * pq + 9e-4) / ((mp * mp + mq * mq + 1e-4) * (pp + qq + 9e-4)),
                1e-9);
    EXPECT_TRUE(std::isnan(ssim(geom::Image8(10, 30, 3), geom::Image8(10, 30, 3))));
    EXPECT_THROW(ssim(a, dark), Error);
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
