// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Occupancy Networks by the verbs: convert, query, extract, train.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"
#include "nir/io/png.h"
#include "nir/io/safetensors.h"
#include "nir/models/registry.h"
#include "nir/nn/checkpoint.h"
#include "nir/pipeline/convert_checkpoint.h"
#include "nir/pipeline/extract.h"
#include "nir/pipeline/interpolate.h"
#include "nir/pipeline/query.h"
#include "nir/pipeline/train.h"
#include "nir/pipeline/train_config.h"

#include "pipeline/observations.h"
#include "support/fixtures.h"
#include "support/golden_fill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using models::ObservationKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OnetPipeline : public ::testing::Test {
protected:
    void SetUp() override {
        const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
        dir_ = fs::temp_directory_path() / fmt::format("nir_onet_{}_{}", ::getpid(), info->name());
        fs::remove_all(dir_);
        fs::create_directories(dir_);
        former_ = set_log_sink([](LogLevel, std::string_view) {});
    }
    void TearDown() override {
        set_log_sink(former_);
        fs::remove_all(dir_);
    }

    /// A model file of the reference case; empty if its weights are not there.
    fs::path convert(const std::string& name) const {
        auto in = test::find_fixture("onet", name + ".weights.npz");
        if (const auto pt = test::find_fixture("onet", name + ".pt"); !pt.empty()) in = pt;
        if (in.empty()) return {};
        const auto out = dir_ / (name + ".safetensors");
        convert_checkpoint({.in = in,
                            .out = out,
                            .config = fs::path(NIR_SOURCE_DIR) / "tests/parity" / (name + ".toml"),
                            .allow_partial = name == "onet_img_full"});
        return out;
    }
    fs::path npy(const io::NamedArray& array, const std::string& name) const {
        const auto path = dir_ / (name + ".npy");
        io::write_npy(path, array);
        return path;
    }
    io::NamedArray query_file(const fs::path& model, const fs::path& input, const fs::path& points) const {
        NoProgress progress;
        PhaseTimer timer;
        QueryOptions o;
        o.field = model, o.input = input, o.points = points, o.out = dir_ / "values.npy";
        query(o, progress, timer);
        return io::read_npy(o.out);
    }
    /// A small model file with weights filled by rule.
    fs::path tiny(const std::string& name, const std::string& text) const {
        Config config = Config::parse("[model]\nname = \"onet\"\n" + text, name + ".toml");
        const auto model = models::build_model(config, 1);
        test::golden_fill(model->module());
        Config resolved(Config::Table{});
        resolved.put("model", model->config());
        nn::CheckpointInfo info;
        info.model = "onet", info.config = resolved.to_toml();
        const auto path = dir_ / (name + ".safetensors");
        nn::save_checkpoint(path, model->module(), info);
        return path;
    }
    fs::path tiny_points() const {
        return tiny("points",
                    "c_dim = 8\nthreshold = 0.5\n[model.encoder]\nname = \"pointnet_simple\"\nhidden_dim = 8\n"
                    "[model.decoder]\nname = \"cbatchnorm\"\nhidden_size = 8\n");
    }
    fs::path tiny_image() const {
        return tiny("image",
                    "c_dim = 8\nimage_size = 64\n[model.encoder]\nname = \"simple_conv\"\n"
                    "[model.decoder]\nname = \"cbatchnorm\"\nhidden_size = 8\n");
    }
    fs::path tiny_voxels() const {
        return tiny("voxels",
                    "c_dim = 8\n[model.encoder]\nname = \"voxel_simple\"\nresolution = 16\n"
                    "[model.decoder]\nname = \"cbatchnorm\"\nhidden_size = 8\n");
    }
    fs::path tiny_unconditional() const {
        return tiny("unconditional",
                    "c_dim = 0\nz_dim = 6\n[model.encoder]\nname = \"null\"\n"
                    "[model.decoder]\nname = \"simple\"\nhidden_size = 8\n");
    }
    fs::path query_points() const {
        std::vector<float> values;
        for (int i = 0; i < 60; ++i) values.push_back(static_cast<float>(std::sin(1.7 * i) * 0.5));
        return npy(io::NamedArray::from("", {20, 3}, values), "points");
    }
    template <class F>
    static std::string message_of(const F& f) {
        try {
            f();
        } catch (const Error& e) {
            return e.what();
        }
        return "no error";
    }

    fs::path dir_;
    LogSink former_;
};

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    EXPECT_EQ(a.size(), b.size());
    double worst = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    return worst;
}

TEST_F(OnetPipeline, ConvertedCheckpointsGiveThePapersLogits) {
    int done = 0;
    for (const char* name : {"onet_pointnet_small", "onet_dec_cbatchnorm_legacy_small", "onet_dec_batchnorm_small",
                             "onet_dec_simple_small", "onet_voxel_full", "onet_simpleconv_small"}) {
        SCOPED_TRACE(name);
        const auto io_file = test::find_fixture("onet", std::string(name) + ".io.npz");
        const auto model = convert(name);
        if (model.empty() || io_file.empty()) continue;
        const auto io = io::read_npz(io_file);
        const auto values = query_file(model, npy(io.at("inputs"), "inputs"), npy(io.at("points"), "points"));
        EXPECT_EQ(values.shape, io.at("logits").shape);
        EXPECT_LT(largest_difference(values.to_float(), io.at("logits").to_float()), 1e-3);
        ++done;
    }
    EXPECT_GE(done, 3);
}

TEST_F(OnetPipeline, ImagesVoxelsAndNothing) {
    const auto points = query_points();
    // A PNG and the same picture as arrays: bytes, floats, a batch.
    geom::Image8 picture(64, 64, 3);
    for (std::size_t i = 0; i < picture.data.size(); ++i) picture.data[i] = static_cast<std::uint8_t>((i * 37) % 251);
    io::write_png(dir_ / "picture.png", picture);
    std::vector<std::uint8_t> bytes(picture.data.size());
    for (std::size_t c = 0; c < 3; ++c)
        for (std::size_t i = 0; i < 64 * 64; ++i) bytes[c * 64 * 64 + i] = picture.data[3 * i + c];
    std::vector<float> floats;
    for (const auto b : bytes) floats.push_back(static_cast<float>(b) / 255);
    const auto image = tiny_image();
    const auto from_png = query_file(image, dir_ / "picture.png", points);
    EXPECT_THAT(from_png.shape, ElementsAre(20));
    const auto as_bytes = npy(io::NamedArray::from("", {3, 64, 64}, bytes), "bytes");
    const auto as_floats = npy(io::NamedArray::from("", {1, 3, 64, 64}, floats), "floats");
    EXPECT_EQ(query_file(image, as_bytes, points).to_float(), from_png.to_float());
    EXPECT_EQ(query_file(image, as_floats, points).to_float(), from_png.to_float());

    // Transparent pixels are white.
    geom::Image8 clear(64, 64, 4, 0), white(64, 64, 1, 255);
    io::write_png(dir_ / "clear.png", clear);
    io::write_png(dir_ / "white.png", white);
    EXPECT_EQ(query_file(image, dir_ / "clear.png", points).to_float(),
              query_file(image, dir_ / "white.png", points).to_float());

    geom::VoxelGrid grid;
    grid.size = {16, 16, 16};
    for (int i = 0; i < 4096; ++i) grid.values.push_back(i % 3 == 0 ? 1.0f : 0.0f);
    io::write_voxel_grid(dir_ / "grid.binvox", grid);
    const auto as_array = npy(io::NamedArray::from("", {16, 16, 16}, grid.values), "grid");
    const auto voxels = tiny_voxels();
    EXPECT_EQ(query_file(voxels, dir_ / "grid.binvox", points).to_float(),
              query_file(voxels, as_array, points).to_float());

    const auto nothing = query_file(tiny_unconditional(), {}, points);
    EXPECT_THAT(nothing.shape, ElementsAre(20));
}

TEST_F(OnetPipeline, WrongObservationsAreOneSentence) {
    const auto points = query_points();
    EXPECT_THAT(message_of([&] { query_file(tiny_image(), points, points); }), AllOf(HasSubstr("[3,H,W]")));
    EXPECT_THAT(message_of([&] { query_file(tiny_image(), dir_ / "none.png", points); }), HasSubstr("none.png"));
    EXPECT_THAT(message_of([&] { query_file(tiny_voxels(), points, points); }), HasSubstr("[X,Y,Z]"));
    EXPECT_THAT(message_of([&] { query_file(tiny_unconditional(), points, points); }), HasSubstr("--input"));
    EXPECT_THAT(message_of([&] { query_file(tiny_points(), {}, points); }), HasSubstr("--input"));
    const auto bright = npy(io::NamedArray::from("", {3, 1, 1}, std::vector<float>{0, 1, 255}), "bright");
    EXPECT_THAT(message_of([&] { query_file(tiny_image(), bright, points); }), HasSubstr("0..1"));
    const auto half = npy(io::NamedArray::from("", {2}, std::vector<float>{0, 0.5f}), "half");
    EXPECT_THAT(message_of([&] { (void)read_observations(half, ObservationKind::index); }), HasSubstr("half.npy"));
    const auto two = npy(io::NamedArray::from("", {2}, std::vector<std::int64_t>{4, 5}), "two");
    EXPECT_EQ(read_observations(two, ObservationKind::index).size(), 2u);
    EXPECT_THAT(message_of([&] { (void)read_observation(two, ObservationKind::index); }), HasSubstr("2 observations"));
}

ExtractOptions extract_options(const fs::path& model, const fs::path& mesh) {
    ExtractOptions o;
    o.source.field = model, o.mesh = mesh;
    o.resolution_0 = 8, o.upsampling = 1;
    return o;
}

/// Probability of the surface that a model's own values pass.
double some_level(const std::vector<float>& logits) {
    const double middle = (*std::ranges::max_element(logits) + *std::ranges::min_element(logits)) / 2;
    return 1 / (1 + std::exp(-middle));
}

TEST_F(OnetPipeline, UnconditionalMeshesFollowTheSeed) {
    const auto model = tiny_unconditional();
    NoProgress progress;
    PhaseTimer timer;
    const double level = some_level(query_file(model, {}, query_points()).to_float());
    const auto volume = [&](std::optional<std::uint64_t> seed) {
        ExtractOptions o = extract_options(model, dir_ / "mesh.ply");
        o.source.seed = seed;
        o.level = level;
        return extract_to_file(o, progress, timer).result.report.signed_volume;
    };
    EXPECT_EQ(volume(1), volume(1));
    EXPECT_NE(volume(1), volume(2));
}

TEST_F(OnetPipeline, ShapesBetweenTwo) {
    const auto model = tiny_unconditional();
    NoProgress progress;
    PhaseTimer timer;
    InterpolateOptions o;
    o.extract = extract_options(model, dir_ / "shape.ply");
    o.extract.level = some_level(query_file(model, {}, query_points()).to_float());
    o.extract.source.seed = 1;
    EXPECT_THAT(message_of([&] { interpolate_to_files(o, progress, timer); }), HasSubstr("--seed-b"));
    o.seed_b = 2;
    o.steps = 3;
    const auto summary = interpolate_to_files(o, progress, timer);
    ASSERT_EQ(summary.meshes.size(), 3u);
    EXPECT_EQ(summary.meshes[2].filename(), "shape_002.ply");
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(io::read_mesh(summary.meshes[i]).faces.size(), summary.faces[i]) << summary.meshes[i];
    const auto strip = io::read_png(summary.strip);
    EXPECT_GE(strip.width, 3 * strip.height);
    // The last is the mesh of the second seed alone.
    ExtractOptions end = o.extract;
    end.source.seed = 2, end.mesh = dir_ / "end.ply";
    extract_to_file(end, progress, timer);
    EXPECT_EQ(io::read_mesh(dir_ / "end.ply").vertices.size(), io::read_mesh(summary.meshes[2]).vertices.size());
}

// -------------------------------------------------------------------------------------------------------- training

class OnetTraining : public OnetPipeline {
protected:
    TrainOptions options(const std::string& run, const std::string& config, std::vector<std::string> overrides) const {
        TrainOptions o;
        o.config = config.ends_with(".toml") ? fs::path(NIR_SOURCE_DIR) / "configs/onet" / config : own_config(config);
        o.out = dir_ / run;
        o.overrides = {"train.validation_scans=1", "train.validation_batches=1", "train.preview_scans=0",
                       "train.batch_size=8",       "train.log_every=5",          "train.validation_points=256"};
        o.overrides.insert(o.overrides.end(), overrides.begin(), overrides.end());
        return o;
    }
    /// A configuration of this test's own.
    fs::path own_config(const std::string& text) const {
        const auto path = dir_ / "own.toml";
        std::ofstream(path) << text;
        return path;
    }
    TrainResult run(const TrainOptions& o) const {
        NoProgress quiet;
        return train(o, quiet);
    }
    std::vector<double> losses(const fs::path& folder, const char* key = "loss") const {
        std::vector<double> out;
        std::ifstream in(folder / "metrics.jsonl");
        for (std::string line; std::getline(in, line);) {
            const auto json = nlohmann::json::parse(line);
            if (json.contains(key)) out.push_back(json[key]);
        }
        return out;
    }
    static void expect_same_files(const fs::path& a, const fs::path& b) {
        const io::TensorFile x = io::read_safetensors(a), y = io::read_safetensors(b);
        ASSERT_EQ(x.arrays.size(), y.arrays.size());
        for (const auto& t : x.arrays) EXPECT_EQ(t.bytes, y.at(t.name).bytes) << t.name;
    }
};

const std::vector<std::string> kTinyPoints = {"model.c_dim=16", "model.encoder.hidden_dim=16",
                                              "model.decoder.hidden_size=16", "data.points=60", "data.queries=128"};

TEST_F(OnetTraining, LossFalls) {
    auto overrides = kTinyPoints;
    overrides.insert(overrides.end(), {"train.steps=60", "train.lr=5e-3", "train.validate_every=60"});
    const auto result = run(options("run", "pointcloud_small.toml", overrides));
    const auto all = losses(dir_ / "run");
    ASSERT_GE(all.size(), 12u);
    EXPECT_LT(all[11], 0.8 * all[0]);
    EXPECT_TRUE(fs::exists(result.model));
    EXPECT_GE(result.best_iou, 0);
}

TEST_F(OnetTraining, ResumeOfTheGenerativeVariantIsExact) {
    auto overrides = kTinyPoints;
    overrides.insert(overrides.end(), {"model.z_dim=4", "train.checkpoint_every=3", "train.validation_scans=0",
                                       "train.validation_batches=0"});
    auto whole = options("whole", "pointcloud_small.toml", overrides);
    whole.steps = 6;
    run(whole);
    auto parts = options("parts", "pointcloud_small.toml", overrides);
    parts.steps = 3;
    run(parts);
    parts.steps = 6, parts.resume = true;
    run(parts);
    expect_same_files(dir_ / "whole/model.safetensors", dir_ / "parts/model.safetensors");
    expect_same_files(dir_ / "whole/optimizer.safetensors", dir_ / "parts/optimizer.safetensors");
}

TEST_F(OnetTraining, UnconditionalTrains) {
    const auto o = options(
        "run",
        "[model]\nname = \"onet\"\nc_dim = 0\nz_dim = 8\n[model.encoder]\nname = \"null\"\n"
        "[model.decoder]\nname = \"simple\"\nhidden_size = 16\n[data]\nname = \"generated\"\n",
        {"train.steps=10", "train.preview_scans=1", "train.preview_cells=16", "data.points=60", "data.queries=64"});
    const auto result = run(o);
    EXPECT_TRUE(std::isfinite(result.loss));
    EXPECT_FALSE(losses(dir_ / "run", "kl").empty());
    EXPECT_FALSE(losses(dir_ / "run", "validation_loss").empty());
    EXPECT_TRUE(fs::exists(dir_ / "run/previews/0000010_scan_0.png"));
}

/// Every preset is a whole configuration of a training; only the data is not there.
TEST_F(OnetTraining, PresetsAreTrainings) {
    int files = 0;
    for (const auto& e : fs::directory_iterator(fs::path(NIR_SOURCE_DIR) / "configs/onet")) {
        if (e.path().stem() == "base") continue;
        TrainOptions o;
        o.config = e.path(), o.steps = 1;
        EXPECT_EQ(load_run_config(o).train.steps, 1) << e.path();
        ++files;
    }
    EXPECT_EQ(files, 13);
}

TEST_F(OnetTraining, DataOfAnotherKindIsRefused) {
    const auto o = options("run",
                           "[model]\nname = \"onet\"\nc_dim = 8\n[model.encoder]\nname = \"simple_conv\"\n"
                           "[data]\nname = \"generated\"\n",
                           {"train.steps=1", "data.points=10", "data.queries=10"});
    EXPECT_THAT(message_of([&] { run(o); }), AllOf(HasSubstr("an image"), HasSubstr("[data]")));
}

}  // namespace
}  // namespace nir::pipeline
