// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/extract/extract_mesh.h"
#include "nir/geom/mesh_check.h"
#include "nir/io/safetensors.h"
#include "nir/render/function_model.h"
#include "nir/render/render_view.h"

#include "support/meshes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace nir::render {
namespace {

/// Rings, an edge and a ramp.
geom::Image8 rings(int width, int height) {
    geom::Image8 out(width, height, 3);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            const double r = std::hypot(x - 0.4 * width, y - 0.6 * height);
            out.pixel(x, y)[0] = static_cast<std::uint8_t>(128 + 100 * std::sin(r * 0.6));
            out.pixel(x, y)[1] = x > y ? 230 : 20;
            out.pixel(x, y)[2] = static_cast<std::uint8_t>(255 * x / width);
        }
    return out;
}

FunctionFieldConfig small_image() {
    FunctionFieldConfig config;
    config.grid = {8, 2, 12, 8, 48, 2};
    config.hidden = 32;
    return config;
}

FunctionField learn(const geom::Image8& image, int steps) {
    FunctionField field(small_image(), 2);
    FunctionTrainerOptions options;
    options.batch = 1 << 12;
    FunctionTrainer trainer(field, image_samples(image), options);
    for (int i = 0; i < steps; ++i) trainer.step(static_cast<double>(i) / steps);
    return field;
}

TEST(FunctionField, LearnsAPicture) {
    const geom::Image8 image = rings(96, 64);
    const FunctionField field = learn(image, 300);
    EXPECT_GT(psnr(draw_function(field, 96, 64), image), 30);
    EXPECT_LT(psnr(draw_function(FunctionField(small_image()), 96, 64), image), 12);
}

TEST(FunctionField, TheSameBitsForAnyNumberOfThreads) {
    const geom::Image8 image = rings(40, 30);
    const int before = threads();
    set_threads(1);
    const FunctionField one = learn(image, 12);
    set_threads(3);
    const FunctionField three = learn(image, 12);
    set_threads(before);
    EXPECT_EQ(one.table, three.table);
    EXPECT_EQ(one.weights, three.weights);
}

TEST(FunctionField, AStepGoesDownTheFiniteDifferencesOfTheLoss) {
    // Adam's first step moves every weight by the learning rate against its gradient's sign: the loss falls by
    // rate * sum |g|, and the sum comes from differences.
    for (const FunctionLoss kind : {FunctionLoss::squared, FunctionLoss::relative}) {
        const geom::Image8 image = rings(40, 30);
        const auto loss_of = [&](const std::vector<float>& weights) {
            FunctionField field(small_image(), 2);
            field.weights = weights;
            field.refresh();
            FunctionTrainerOptions options;
            options.batch = 1 << 12, options.loss = kind, options.learning_rate = options.last_learning_rate = 1e-12;
            return FunctionTrainer(field, image_samples(image), options).step(0);
        };
        FunctionField field(small_image(), 2);
        for (float& w : field.weights) w *= 1.5f;
        field.refresh();
        const std::vector<float> before = field.weights;
        FunctionTrainerOptions options;
        options.batch = 1 << 12, options.loss = kind, options.network_l2 = 0;
        options.learning_rate = options.last_learning_rate = 1e-3;
        FunctionTrainer(field, image_samples(image), options).step(0);
        std::vector<std::size_t> moved;
        for (std::size_t i = 0; i < before.size(); ++i)
            if (std::abs(field.weights[i] - before[i]) > 5e-4f) moved.push_back(i);
        ASSERT_GT(moved.size(), 50u);
        const double base = loss_of(before);
        std::size_t agree = 0, asked = 0;
        for (std::size_t k = 0; k < moved.size(); k += moved.size() / 24, ++asked) {
            auto there = before;
            const double step = field.weights[moved[k]] > before[moved[k]] ? 4e-3 : -4e-3;
            there[moved[k]] += static_cast<float>(step);
            agree += loss_of(there) < base + 1e-7;
        }
        EXPECT_GE(agree + 2, asked);
    }
}

TEST(FunctionField, LearnsTheDistanceToAMesh) {
    const geom::TriMesh mesh = nir::testing::make_sphere(0.4, 40);
    FunctionFieldConfig config;
    config.grid = {8, 2, 13, 8, 64, 3};
    config.hidden = 32, config.outputs = 1;
    const FieldFrame frame = frame_of(geom::bounds(mesh.vertices), 0.1);
    const DistanceSamples samples(mesh, frame, 1 << 15, 5);
    ASSERT_EQ(samples.size(), std::size_t{1} << 15);
    FunctionModel model{FunctionField(config, 1), FunctionKind::distance, 0, 0, frame};
    FunctionTrainerOptions options;
    options.batch = 1 << 12, options.loss = FunctionLoss::relative, options.learning_rate = 3e-3;
    FunctionTrainer trainer(model.field, samples.source(), options);
    for (int i = 0; i < 300; ++i) trainer.step(i / 300.0);
    EXPECT_GT(function_iou(model, mesh, 20000, 3), 0.97);
    FunctionSurface surface(std::make_shared<const FunctionModel>(model));
    extract::ExtractOptions how;
    how.resolution_0 = 32, how.upsampling = 0;
    const auto result = extract::extract_mesh(surface, how);
    ASSERT_FALSE(result.mesh.faces.empty());
    EXPECT_TRUE(geom::check_mesh(result.mesh).watertight());
    double worst = 0;
    for (const auto& v : result.mesh.vertices) worst = std::max(worst, std::abs(geom::norm(v) - 0.4));
    EXPECT_LT(worst, 0.04);
}

TEST(FunctionModel, ComesBackFromItsFileAndRefusesWhatIsWrong) {
    FunctionModel model{learn(rings(40, 30), 5), FunctionKind::image, 40, 30};
    model.info["info.step"] = "5";
    const auto path = std::filesystem::path(::testing::TempDir()) / "function.safetensors";
    save_function(path, model);
    const FunctionModel back = load_function(path);
    EXPECT_EQ(back.width, 40);
    EXPECT_EQ(back.info, model.info);
    EXPECT_EQ(draw_function(back.field, 80, 60).data, draw_function(model.field, 80, 60).data);
    const auto refused = [&](const char* key, const char* value) {
        auto file = io::read_safetensors(path);
        file.metadata[key] = value;
        const auto bad = std::filesystem::path(::testing::TempDir()) / "bad.safetensors";
        io::write_safetensors(bad, file);
        EXPECT_THROW(load_function(bad), Error) << key;
        std::filesystem::remove(bad);
    };
    refused("kind", "song"), refused("kind", "distance"), refused("version", "7"), refused("width", "0");
    refused("levels", "9"), refused("hidden", "17"), refused("format", "nir.radiance"), refused("outputs", "nan");
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace nir::render
