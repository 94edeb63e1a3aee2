// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/function.h"

#include "nir/base/error.h"
#include "nir/io/formats.h"
#include "nir/io/ply.h"
#include "nir/io/png.h"
#include "nir/pipeline/extract.h"
#include "nir/render/function_model.h"
#include "nir/render/render_view.h"

#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

class FunctionTraining : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ = fs::path(::testing::TempDir()) /
                  (std::string("nir_function_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::remove_all(folder_);
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    TrainFunctionOptions options(const fs::path& input, std::int64_t steps) const {
        TrainFunctionOptions o;
        o.input = input, o.out = folder_ / "run", o.steps = steps;
        o.overrides = {"model.levels=8", "model.log2_entries=13", "model.hidden=32", "train.log2_batch=12",
                       "data.log2_samples=14"};
        return o;
    }
    fs::path folder_;
};

TEST_F(FunctionTraining, APictureIsLearnedAndDrawnInAnySize) {
    geom::Image8 image(60, 40, 3);
    for (int y = 0; y < 40; ++y)
        for (int x = 0; x < 60; ++x)
            for (int k = 0; k < 3; ++k)
                image.pixel(x, y)[k] = static_cast<std::uint8_t>(128 + 90 * std::sin(0.2 * x + 0.1 * k * y));
    io::write_png(folder_ / "photo.png", image);
    ASSERT_TRUE(is_function_training(folder_ / "photo.png"));
    ASSERT_FALSE(is_function_training(folder_));
    NoProgress quiet;
    const auto r = train_function(options(folder_ / "photo.png", 200), quiet);
    EXPECT_EQ(r.steps, 200);
    EXPECT_GT(r.psnr, 30);
    const auto model = function_model_file(folder_ / "run");
    ASSERT_TRUE(model);
    render_function(*model, folder_ / "same.png", 0, 0);
    EXPECT_NEAR(render::psnr(io::read_png(folder_ / "same.png"), image), r.psnr, 1e-9);
    EXPECT_EQ(render_function(*model, folder_ / "large.png", 120, 0), (std::pair{120, 80}));
    EXPECT_THROW(render_function(*model, folder_ / "same.jpg", 0, 0), Error);
    EXPECT_THROW(train_function(options(folder_ / "photo.png", 2), quiet), Error);  // the run is there
}

TEST_F(FunctionTraining, AMeshIsLearnedAndComesBackInItsCoordinates) {
    const geom::TriMesh mesh = nir::testing::make_sphere(3.0, 30, {10, -5, 2});
    io::write_ply(folder_ / "mesh.ply", mesh);
    NoProgress quiet;
    const auto r = train_function(options(folder_ / "mesh.ply", 250), quiet);
    EXPECT_GT(r.iou, 0.93);
    EXPECT_THROW(render_function(r.model, folder_ / "x.png", 0, 0), Error);
    ExtractOptions how;
    how.source.field = r.model, how.mesh = folder_ / "out.ply", how.resolution_0 = 24, how.upsampling = 0;
    PhaseTimer timer;
    const ExtractSummary summary = extract_to_file(how, quiet, timer);
    EXPECT_TRUE(summary.result.report.watertight());
    double mean = 0;
    for (const auto& v : summary.result.mesh.vertices)
        mean +=
            std::abs(norm(v - geom::Vec3d{10, -5, 2}) - 3.0) / static_cast<double>(summary.result.mesh.vertices.size());
    EXPECT_LT(mean, 0.12);
}

/// Says stop at a step.
class StopsAt : public Progress {
public:
    explicit StopsAt(std::uint64_t step) : step_(step) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t by) override { return (seen_ += by) < step_; }
    void end() override {}

private:
    std::uint64_t step_, seen_ = 0;
};

TEST_F(FunctionTraining, AStoppedRunGoesOnToTheSameBytes) {
    const geom::TriMesh mesh = nir::testing::make_sphere(3.0, 30, {10, -5, 2});
    io::write_ply(folder_ / "mesh.ply", mesh);
    NoProgress quiet;
    auto whole = options(folder_ / "mesh.ply", 60), parts = whole;
    whole.out = folder_ / "whole", parts.out = folder_ / "parts";
    (void)train_function(whole, quiet);
    StopsAt stop(23);
    try {
        (void)train_function(parts, stop);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::cancelled);
        EXPECT_THAT(e.what(), ::testing::HasSubstr("stopped at step 23, everything is saved"));
    }
    EXPECT_TRUE(function_model_file(parts.out));
    parts.resume = true;
    auto other = parts;
    other.overrides.push_back("model.levels=16");
    EXPECT_THROW(train_function(other, quiet), Error);
    EXPECT_EQ(train_function(parts, quiet).steps, 60);
    const auto table = [](const fs::path& run) { return render::load_function(run / "model.safetensors").field; };
    EXPECT_EQ(table(whole.out).table, table(parts.out).table);
    EXPECT_EQ(table(whole.out).weights, table(parts.out).weights);
}

}  // namespace
}  // namespace nir::pipeline
