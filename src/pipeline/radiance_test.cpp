// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/radiance.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/pipeline/radiance_extract.h"
#include "nir/render/radiance_model.h"

#include "support/ball_scene.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Asks to stop after n calls.
struct StopAfter final : Progress {
    int left;
    explicit StopAfter(int n) : left(n) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t) override { return left-- > 0; }
    void end() override {}
};

class RadianceTraining : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ = fs::path(::testing::TempDir()) /
                  (std::string("nir_radiance_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::remove_all(folder_);
        test::write_ball_scene(folder_ / "scene", 12, 2, 24);
    }
    void TearDown() override { fs::remove_all(folder_); }
    TrainRadianceOptions options(const std::string& run, std::int64_t steps) const {
        TrainRadianceOptions o;
        o.input = folder_ / "scene";
        o.overrides = test::small_ball_field();
        o.overrides.push_back("train.preview_every=0");
        o.out = folder_ / run;
        o.steps = steps;
        return o;
    }
    fs::path folder_;
};

TEST_F(RadianceTraining, StoppedAndResumedIsTheSameBytes) {
    NoProgress all;
    const int before = threads();
    set_threads(2);
    const auto straight = train_radiance(options("straight", 40), all);
    EXPECT_EQ(straight.steps, 40);
    EXPECT_GT(straight.psnr, 10);
    StopAfter early(17);
    try {
        train_radiance(options("stopped", 40), early);
        ADD_FAILURE() << "the training was not stopped";
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::cancelled);
    }
    EXPECT_NE(bytes_of(folder_ / "straight/model.safetensors"), bytes_of(folder_ / "stopped/model.safetensors"));
    set_threads(1);
    TrainRadianceOptions resume = options("stopped", 40);
    resume.resume = true;
    EXPECT_EQ(train_radiance(resume, all).steps, 40);
    set_threads(before);
    EXPECT_EQ(bytes_of(folder_ / "straight/model.safetensors"), bytes_of(folder_ / "stopped/model.safetensors"));
    const render::RadianceModel model = render::load_radiance(folder_ / "stopped/model.safetensors");
    EXPECT_EQ(model.views.size(), 12u);
    EXPECT_EQ(model.info.at("info.step"), "40");
}

TEST_F(RadianceTraining, RefusesToResumeWhatIsAnother) {
    NoProgress all;
    train_radiance(options("run", 3), all);
    const auto refused = [&](auto&& change) {
        TrainRadianceOptions o = options("run", 6);
        o.resume = true;
        change(o);
        try {
            train_radiance(o, all);
        } catch (const Error& e) {
            return e.exit_code();
        }
        return 0;
    };
    EXPECT_EQ(refused([](auto& o) { o.overrides.push_back("model.hidden=64"); }), 2);
    EXPECT_EQ(refused([](auto& o) { o.seed = 4; }), 2);
    EXPECT_EQ(refused([&](auto& o) { o.input = folder_; }), 2);
    EXPECT_EQ(refused([](auto& o) { o.force = true; }), 2);
    EXPECT_EQ(refused([](auto&) {}), 0);
    fs::resize_file(folder_ / "run/optimizer.safetensors", 1000);
    EXPECT_EQ(refused([](auto&) {}), 3);
    fs::remove(folder_ / "run/optimizer.safetensors");
    EXPECT_EQ(refused([](auto&) {}), 3);
}

TEST_F(RadianceTraining, WhatRealPhotosNeedIsSavedWithTheModelAndGoesOnToo) {
    NoProgress all;
    const std::vector<std::string> more{
        "train.exposure=true",    "train.poses=true",    "train.background=\"environment\"",
        "train.distortion=0.001", "train.fade=1.0",      "train.blend=\"linear\"",
        "model.cascades=2",       "train.fewest_views=2"};
    const auto with = [&](const std::string& run) {
        TrainRadianceOptions o = options(run, 24);
        o.overrides.insert(o.overrides.end(), more.begin(), more.end());
        return o;
    };
    train_radiance(with("straight"), all);
    StopAfter early(11);
    EXPECT_THROW(train_radiance(with("stopped"), early), Error);
    TrainRadianceOptions resume = options("stopped", 24);
    resume.overrides.clear(), resume.resume = true;
    train_radiance(resume, all);
    EXPECT_EQ(bytes_of(folder_ / "straight/model.safetensors"), bytes_of(folder_ / "stopped/model.safetensors"));
    const render::RadianceModel model = render::load_radiance(folder_ / "straight/model.safetensors");
    EXPECT_FALSE(model.environment.empty());
    EXPECT_EQ(model.grid.cascades(), 2);
    const io::Scene scene = io::read_scene(folder_ / "scene");
    bool moved = false, brighter = false;
    for (std::size_t i = 0; i < model.views.size(); ++i) {
        moved = moved || !(model.views[i].world_from_camera == scene.views[i].world_from_camera);
        brighter = brighter || model.views[i].gain[0] != 1;
    }
    EXPECT_TRUE(moved);
    EXPECT_TRUE(brighter);
}

TEST_F(RadianceTraining, ASurfaceIsClosedAndWhereTheBallIs) {
    NoProgress all;
    for (const std::string shape : {"distance", "occupancy"}) {
        TrainRadianceOptions o = options(shape, 200);
        o.overrides.push_back("model.shape=\"" + shape + "\"");
        train_radiance(o, all);
        ExtractRadianceOptions how;
        how.model = folder_ / shape / "model.safetensors", how.mesh = folder_ / (shape + ".ply");
        how.resolution_0 = 32, how.upsampling = 0;
        PhaseTimer timer;
        const auto found = extract_radiance(how, all, timer).result;
        EXPECT_TRUE(found.report.watertight()) << shape;
        EXPECT_EQ(found.mesh.colors.size(), found.mesh.vertices.size());
        EXPECT_EQ(found.level, 0);
        double mean = 0;
        for (const auto& v : found.mesh.vertices)
            mean += std::abs(norm(v) - 0.6) / static_cast<double>(found.mesh.vertices.size());
        EXPECT_LT(mean, shape == "distance" ? 0.04 : 0.08);
        how.level = 10;
        EXPECT_THROW(extract_radiance(how, all, timer), Error) << "a density";
    }
    for (const char* wrong : {"train.poses=true", "train.distortion=0.1", "model.cascades=2"}) {
        TrainRadianceOptions o = options("wrong", 2);
        o.overrides.insert(o.overrides.end(), {"model.shape=\"distance\"", wrong});
        EXPECT_THROW(train_radiance(o, all), Error) << wrong;
    }
}

TEST_F(RadianceTraining, MasksOfBothMeaningsAndPhotosThatFitTheMemory) {
    NoProgress all;
    io::Scene scene = io::read_scene(folder_ / "scene");
    // The left half says nothing: bright there for "ignore", dark for "valid".
    geom::Image8 left(24, 24, 1), right(24, 24, 1);
    for (int y = 0; y < 24; ++y)
        for (int x = 0; x < 24; ++x) *(x < 12 ? left : right).pixel(x, y) = 255;
    io::write_png(folder_ / "left.png", left);
    io::write_png(folder_ / "right.png", right);
    std::vector<std::string> models;
    for (const auto& [name, meaning] : {std::pair(std::string("left"), io::MaskMeaning::ignore),
                                        std::pair(std::string("right"), io::MaskMeaning::valid)}) {
        for (io::SceneView& v : scene.views) v.masks = {{folder_ / (name + ".png"), meaning}};
        fs::create_directories(folder_ / name);
        io::write_transforms(folder_ / name, scene);
        TrainRadianceOptions o = options("of_" + name, 6);
        o.input = folder_ / name;
        train_radiance(o, all);
        models.push_back(render::load_radiance(folder_ / ("of_" + name) / "model.safetensors").info.at("info.step"));
        const auto field = render::load_radiance(folder_ / ("of_" + name) / "model.safetensors").field.table;
        models.push_back(std::string(reinterpret_cast<const char*>(field.data()), field.size() * sizeof(float)));
    }
    EXPECT_EQ(models[1], models[3]) << "the same pixels count";
    train_radiance(options("unmasked", 6), all);
    const auto unmasked = render::load_radiance(folder_ / "unmasked/model.safetensors").field.table;
    EXPECT_NE(models[1], std::string(reinterpret_cast<const char*>(unmasked.data()), unmasked.size() * sizeof(float)));

    TrainRadianceOptions tight = options("tight", 3);
    tight.overrides.emplace_back("data.downscale=2");
    train_radiance(tight, all);
    const auto small = render::load_radiance(folder_ / "tight/model.safetensors").views[0].camera;
    EXPECT_EQ(small.width, 12);
    TrainRadianceOptions impossible = options("impossible", 3);
    impossible.max_memory = 1'000'000;
    try {
        train_radiance(impossible, all);
        ADD_FAILURE() << "a megabyte was enough";
    } catch (const Error& e) {
        EXPECT_EQ(e.exit_code(), 2);
        EXPECT_NE(std::string(e.what()).find("--max-memory"), std::string::npos);
    }
}

}  // namespace
}  // namespace nir::pipeline
