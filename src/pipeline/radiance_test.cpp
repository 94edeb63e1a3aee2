// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/radiance.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/render/radiance_model.h"

#include "support/ball_scene.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace nir::pipeline
