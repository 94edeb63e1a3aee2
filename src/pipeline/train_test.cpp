// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/train.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/png.h"
#include "nir/io/safetensors.h"
#include "nir/models/registry.h"
#include "nir/pipeline/train_config.h"

#include "support/error_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::HasSubstr;

/// Stops after a number of steps, like Ctrl-C.
class StopAfter final : public Progress {
public:
    explicit StopAfter(std::uint64_t steps) : left_(steps) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    bool advance(std::uint64_t n) override {
        left_ -= std::min(left_, n);
        return left_ > 0;
    }
    void end() override {}

private:
    std::uint64_t left_;
};

class TrainTest : public testing::Test {
protected:
    void SetUp() override {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        root_ = fs::temp_directory_path() / fmt::format("nir_train_{}_{}", ::getpid(), info->name());
        fs::remove_all(root_);
        fs::create_directories(root_);
        former_ = set_log_sink([](LogLevel, std::string_view) {});
    }
    void TearDown() override {
        set_log_sink(former_);
        fs::remove_all(root_);
    }

    TrainOptions options(const std::string& run, std::vector<std::string> overrides = {}) const {
        TrainOptions o;
        o.config = fs::path(NIR_SOURCE_DIR) / "configs/cascade/tiny.toml";
        o.out = root_ / run;
        o.overrides = {"train.validation_scans=0", "train.validation_batches=0", "train.preview_scans=0",
                       "data.min_points=100",      "data.max_points=200",        "data.queries=64"};
        o.overrides.insert(o.overrides.end(), overrides.begin(), overrides.end());
        return o;
    }
    TrainResult run(const TrainOptions& o) const {
        NoProgress quiet;
        return train(o, quiet);
    }
    static std::string text(const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        std::ostringstream out;
        out << in.rdbuf();
        return out.str();
    }
    static std::vector<nlohmann::json> lines(const fs::path& file) {
        std::vector<nlohmann::json> out;
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
        return out;
    }
    /// Same names, shapes and bits.
    static void expect_same_tensors(const fs::path& a, const fs::path& b) {
        const io::TensorFile x = io::read_safetensors(a), y = io::read_safetensors(b);
        ASSERT_EQ(x.arrays.size(), y.arrays.size());
        for (const auto& t : x.arrays) {
            const io::NamedArray* u = y.find(t.name);
            ASSERT_NE(u, nullptr) << t.name;
            EXPECT_EQ(t.bytes, u->bytes) << t.name;
        }
    }

    fs::path root_;
    LogSink former_;
};

TEST_F(TrainTest, WritesTheRunFolder) {
    TrainOptions o = options("run", {"train.validation_scans=2", "train.validation_batches=1", "train.preview_scans=1",
                                     "train.steps=6", "train.log_every=2", "train.validate_every=3"});
    o.seed = 7;
    const TrainResult result = run(o);
    EXPECT_EQ(result.steps, 6);
    EXPECT_TRUE(std::isfinite(result.loss));
    EXPECT_GE(result.best_iou, 0);
    EXPECT_GT(result.best_step, 0);
    for (const char* name : {"config.toml", "env.json", "metrics.jsonl", "log.txt", "model.safetensors",
                             "best.safetensors", "optimizer.safetensors", "previews/0000006_scan_0.png"})
        EXPECT_GT(fs::file_size(o.out / name), 0u) << name;
    int events = 0;
    for (const auto& e : fs::directory_iterator(o.out)) {
        const std::string name = e.path().filename().string();
        events += name.starts_with("events.out.tfevents.");
        EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
    }
    EXPECT_EQ(events, 1);

    // The resolved file alone repeats the run.
    const RunConfig config = parse_config<RunConfig>(Config::load(o.out / "config.toml"));
    EXPECT_EQ(config.train.seed, 7);
    EXPECT_EQ(config.train.steps, 6);
    const auto env = nlohmann::json::parse(text(o.out / "env.json"));
    EXPECT_EQ(env["seed"], 7);
    for (const char* key : {"version", "revision", "compiler", "torch", "cpu", "threads"})
        EXPECT_TRUE(env.contains(key));

    const auto metrics = lines(o.out / "metrics.jsonl");
    ASSERT_EQ(metrics.size(), 5u);  // steps 2, 4, 6 and validations at 3 and 6
    EXPECT_EQ(metrics[0]["step"], 2);
    for (const char* key : {"seconds", "loss", "lr", "grad_norm", "iou_octave_0", "samples_per_second"})
        EXPECT_TRUE(metrics[0].contains(key)) << key;
    EXPECT_EQ(metrics[1]["step"], 3);
    for (const char* key : {"validation_loss", "validation_iou", "validation_iou_near", "validation_iou_octave_0"})
        EXPECT_TRUE(metrics[1].contains(key)) << key;
    const auto picture = io::read_png(o.out / "previews/0000006_scan_0.png");
    EXPECT_GT(picture.width, picture.height);

    // The model file is enough to build the model and to ask it.
    const auto model = models::load_model(o.out / "best.safetensors");
    EXPECT_EQ(model->name(), "cascade");
}

TEST_F(TrainTest, ResumeIsExact) {
    const std::vector<std::string> whole{"train.steps=6", "train.schedule=cosine", "train.warmup_steps=2"};
    run(options("whole", whole));
    TrainOptions parts = options("parts", whole);
    StopAfter stop(3);
    const Error e = error_of([&] { train(parts, stop); });
    EXPECT_EQ(e.kind(), ErrorKind::cancelled);
    EXPECT_EQ(e.exit_code(), 130);
    EXPECT_THAT(e.what(), HasSubstr("step 3"));
    parts.resume = true;
    const TrainResult result = run(parts);
    EXPECT_EQ(result.steps, 6);
    expect_same_tensors(root_ / "whole/model.safetensors", root_ / "parts/model.safetensors");
    expect_same_tensors(root_ / "whole/optimizer.safetensors", root_ / "parts/optimizer.safetensors");
}

TEST_F(TrainTest, ResumeGoesOnToMoreStepsAndDropsLinesAfterTheCheckpoint) {
    TrainOptions o = options("run", {"train.log_every=1"});
    o.steps = 3;
    run(o);
    std::ofstream(o.out / "metrics.jsonl", std::ios::app) << "{\"step\": 99, \"loss\": 1}\n{\"step\": 100, \"lo";
    o.steps = 5;
    EXPECT_EQ(error_of([&] { run(o); }).kind(), ErrorKind::usage);  // neither --resume nor --force
    o.resume = true;
    EXPECT_EQ(run(o).steps, 5);
    std::vector<int> steps;
    for (const auto& line : lines(o.out / "metrics.jsonl")) steps.push_back(line["step"]);
    EXPECT_EQ(steps, (std::vector<int>{1, 2, 3, 4, 5}));

    TrainOptions other = o;
    other.overrides.push_back("model.features=4");
    EXPECT_EQ(error_of([&] { run(other); }).kind(), ErrorKind::config);
    other = o;
    other.seed = 3;
    EXPECT_EQ(error_of([&] { run(other); }).kind(), ErrorKind::usage);
    other = o;
    other.out = root_ / "nowhere";
    EXPECT_EQ(error_of([&] { run(other); }).kind(), ErrorKind::input);
}

TEST_F(TrainTest, SameSeedSameBitsWhateverTheWorkers) {
    run(options("a", {"train.steps=2", "train.workers=0"}));
    run(options("b", {"train.steps=2", "train.workers=2"}));
    expect_same_tensors(root_ / "a/model.safetensors", root_ / "b/model.safetensors");
    TrainOptions c = options("c", {"train.steps=2"});
    c.seed = 1;
    run(c);
    EXPECT_NE(io::read_safetensors(root_ / "a/model.safetensors").arrays[0].bytes,
              io::read_safetensors(root_ / "c/model.safetensors").arrays[0].bytes);
}

TEST_F(TrainTest, ForceReplacesTheRunAndNothingElse) {
    TrainOptions o = options("run", {"train.steps=1"});
    fs::create_directories(o.out);
    std::ofstream(o.out / "notes.txt") << "mine";
    EXPECT_EQ(error_of([&] { run(o); }).kind(), ErrorKind::usage);
    o.force = true;
    std::ofstream(o.out / "metrics.jsonl") << "{\"step\": 1}\n";
    run(o);
    EXPECT_EQ(text(o.out / "notes.txt"), "mine");
    EXPECT_EQ(lines(o.out / "metrics.jsonl").size(), 1u);
}

TEST_F(TrainTest, StopsWhereTheLossIsNotFinite) {
    TrainOptions o = options("run", {"train.lr=10", "train.steps=200", "train.clip_norm=0", "train.ema=0"});
    o.init = root_ / "broken.safetensors";
    run([&] {
        TrainOptions first = options("first", {"train.steps=1"});
        return first;
    }());
    io::TensorFile broken = io::read_safetensors(root_ / "first/model.safetensors");
    for (auto& a : broken.arrays)
        if (a.name == "decoder.last.bias") {
            const float nan = NAN;
            std::memcpy(a.bytes.data(), &nan, sizeof nan);
        }
    io::write_safetensors(o.init, broken);
    const Error e = error_of([&] { run(o); });
    EXPECT_EQ(e.kind(), ErrorKind::numeric);
    EXPECT_EQ(e.exit_code(), 4);
    for (const char* part : {"step 1", "samples 0 to 1", "seed 0", "nan"}) EXPECT_THAT(e.what(), HasSubstr(part));
    EXPECT_FALSE(fs::exists(o.out / "model.safetensors"));
}

TEST_F(TrainTest, InitStartsFromAModel) {
    run(options("first", {"train.steps=2", "train.ema=0"}));
    TrainOptions o = options("second", {"train.steps=1", "train.lr=1e-12", "train.ema=0"});
    o.init = root_ / "first/model.safetensors";
    run(o);
    const io::TensorFile a = io::read_safetensors(o.init), b = io::read_safetensors(o.out / "model.safetensors");
    const auto x = a.at("coarse.last.weight").to_float(), y = b.at("coarse.last.weight").to_float();
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], y[i], 1e-9);
}

TEST_F(TrainTest, ReportsEveryMistakeOfTheConfiguration) {
    const auto message = [&](std::vector<std::string> overrides) {
        const Error e = error_of([&] { run(options("bad", overrides)); });
        EXPECT_EQ(e.kind(), ErrorKind::config);
        return std::string(e.what());
    };
    const std::string two = message({"train.batch_size=0", "train.learning_rate=1"});
    EXPECT_THAT(two, HasSubstr("batch_size"));
    EXPECT_THAT(two, HasSubstr("learning_rate"));
    EXPECT_THAT(message({"data.name=generated"}), HasSubstr("cascade"));
    EXPECT_THAT(message({"data.cells=24"}), HasSubstr("coarse_cells"));
    EXPECT_THAT(message({"train.steps=0"}), HasSubstr("never end"));
    EXPECT_FALSE(fs::exists(root_ / "bad"));
}

TEST_F(TrainTest, TrainsConvOnetOnGeneratedShapes) {
    const fs::path config = root_ / "conv.toml";
    std::ofstream(config) << R"(
[model]
name = "conv_onet"
c_dim = 8
[model.encoder]
name = "pointnet_local"
hidden_dim = 8
plane_resolution = 16
use_unet = false
[data]
name = "generated"
points = 200
queries = 128
[train]
batch_size = 2
steps = 2
validation_batches = 1
validation_scans = 1
validation_points = 64
preview_scans = 0
)";
    TrainOptions o;
    o.config = config;
    o.out = root_ / "run";
    const TrainResult result = run(o);
    EXPECT_EQ(result.steps, 2);
    EXPECT_TRUE(std::isfinite(result.loss));
    EXPECT_TRUE(fs::exists(result.best));
}

TEST(TrainConfiguration, ModelsGetTheDataThatSuitsThem) {
    const auto data_of = [](const std::string& toml) {
        return parse_config<RunConfig>(Config::parse(toml)).data.name();
    };
    EXPECT_EQ(data_of("[model]\nname = \"cascade\"\n"), "cascade");
    EXPECT_EQ(data_of("[model]\nname = \"cascade\"\n[data]\nqueries = 64\n"), "cascade");
    EXPECT_EQ(data_of("[model]\nname = \"conv_onet\"\n"), "generated");
    EXPECT_THROW(data_of("[model]\nname = \"cascade\"\n[data]\nname = \"generated\"\n"), Error);
    EXPECT_THROW(data_of("[model]\nname = \"conv_onet\"\n[data]\nname = \"cascade\"\n"), Error);
    // The resolved file reads back to the same.
    const RunConfig config = parse_config<RunConfig>(Config::parse("[model]\nname = \"cascade\"\n"));
    EXPECT_EQ(dump_toml(parse_config<RunConfig>(Config::parse(dump_toml(config)))), dump_toml(config));
}

TEST(TrainSchedule, WarmsUpAndFalls) {
    TrainConfig t;
    t.lr = 2;
    t.warmup_steps = 4;
    t.steps = 100;
    EXPECT_DOUBLE_EQ(t.learning_rate(1, 0), 0.5);
    EXPECT_DOUBLE_EQ(t.learning_rate(50, 0), 2);
    t.schedule = TrainConfig::Schedule::cosine;
    t.lr_end = 0.1;
    EXPECT_NEAR(t.learning_rate(51, 0), 2 * 0.55, 1e-12);
    EXPECT_NEAR(t.learning_rate(101, 0), 0.2, 1e-12);
    t.time = 10;
    EXPECT_NEAR(t.learning_rate(5, 10), 0.2, 1e-12);  // the clock is ahead of the steps
    EXPECT_NEAR(t.learning_rate(51, 1), 2 * 0.55, 1e-12);
}

}  // namespace
}  // namespace nir::pipeline
