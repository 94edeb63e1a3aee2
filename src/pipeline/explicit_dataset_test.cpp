// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Models that make voxels, points or meshes learn from a set that prepare() made: their targets come with it.
#include "nir/base/log.h"
#include "nir/data/dataset.h"
#include "nir/data/training_data.h"
#include "nir/io/formats.h"
#include "nir/nn/batch.h"
#include "nir/pipeline/prepare.h"
#include "nir/pipeline/train.h"

#include "support/error_of.h"
#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <unistd.h>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int kCells = 8;
constexpr double kTube = 0.3;  ///< of a torus whose radius is 1

/// Distance to that torus with its longest side scaled to 1 around 0 (axis: see below).
double torus_distance(double x, double y, double z) {
    const double s = 2 * (1 + kTube);
    return (std::hypot(std::hypot(x * s, y * s) - 1, z * s) - kTube) / s;
}

class ExplicitDatasetTest : public ::testing::Test {
protected:
    void SetUp() override {
        const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
        root_ = fs::temp_directory_path() / fmt::format("nir_explicit_{}_{}", ::getpid(), info->name());
        fs::remove_all(root_);
        fs::create_directories(root_ / "in/c");
        former_ = set_log_sink([](LogLevel, std::string_view) {});
        for (int i = 0; i < 4; ++i)
            io::write_geometry(root_ / fmt::format("in/c/m{}.ply", i), testing::make_torus(1, kTube, 64, 32));
        PrepareOptions o;
        o.points = 2000, o.samples = 1000, o.voxels = kCells, o.views = 0, o.voxel_surface = false, o.half = false;
        o.split = {0.5, 0.25, 0.25};
        o.inputs = {root_ / "in"};
        for (const bool packed : {false, true}) {
            o.packed = packed, o.papers = !packed, o.out = root_ / (packed ? "packed" : "papers");
            NoProgress quiet;
            PhaseTimer timer;
            prepare(o, quiet, timer);
        }
    }
    void TearDown() override {
        set_log_sink(former_);
        fs::remove_all(root_);
    }
    /// A short run. @param path of the set  @param model lines of the [model] table
    TrainResult train_on(const fs::path& path, const std::string& name, const std::string& model) {
        const fs::path config = root_ / (name + ".toml");
        std::ofstream(config) << fmt::format(
            "[model]\nname = \"{}\"\nc_dim = 16\n{}[model.encoder]\nname = \"pointnet_simple\"\nhidden_dim = 16\n"
            "[data]\nname = \"dataset\"\npath = \"{}\"\npoints = 100\nqueries = 16\nsurface = 128\n"
            "[train]\nbatch_size = 2\nsteps = 60\nlr = 2e-3\nworkers = 0\nlog_every = 1\nvalidate_every = 60\n"
            "validation_scans = 1\nvalidation_points = 200\npreview_scans = 0\n",
            name, model, path.string());
        TrainOptions t;
        t.config = config, t.out = root_ / (name + path.filename().string());
        NoProgress quiet;
        return train(t, quiet);
    }
    std::vector<nlohmann::json> metrics(const fs::path& run) const {
        std::vector<nlohmann::json> out;
        std::ifstream file(run / "metrics.jsonl");
        for (std::string line; std::getline(file, line);) out.push_back(nlohmann::json::parse(line));
        return out;
    }

    fs::path root_;
    LogSink former_;
};

TEST_F(ExplicitDatasetTest, TargetsAreThoseOfTheShape) {
    data::DatasetConfig config;
    config.path = (root_ / "papers").string();
    config.points = 100, config.queries = 500, config.surface = 300;
    AnyConfig any(data::data_alternatives(), "dataset");
    any.assign("dataset", config);
    const auto set = data::data_row("dataset").make(
        any, {.seed = 3, .first = 0, .workers = 0, .targets = {.surface = true, .voxels = kCells}});
    const nn::Batch batch = set->next(2);
    // Which axis is the torus's own: the one along which its points reach least far.
    const torch::Tensor surface = batch.at("surface").flatten(0, 1), reach = surface.abs().amax(0);
    ASSERT_EQ(batch.at("surface").sizes(), (std::vector<std::int64_t>{2, 300, 3}));
    const auto axis = reach.argmin().item<std::int64_t>();
    const auto distance = [axis](const std::array<double, 3>& p) {
        const auto at = [&](std::int64_t a) { return p[static_cast<std::size_t>((axis + a) % 3)]; };
        return torus_distance(at(1), at(2), at(0));
    };
    const auto rows = surface.accessor<float, 2>();
    for (std::int64_t i = 0; i < surface.size(0); ++i)
        ASSERT_NEAR(distance({rows[i][0], rows[i][1], rows[i][2]}), 0, 2e-3);

    const torch::Tensor voxels = batch.at("voxels");
    ASSERT_EQ(voxels.sizes(), (std::vector<std::int64_t>{2, kCells, kCells, kCells}));
    const auto v = voxels.accessor<float, 4>();
    int inside = 0;
    for (int b = 0; b < 2; ++b)
        for (int i = 0; i < kCells; ++i)
            for (int j = 0; j < kCells; ++j)
                for (int k = 0; k < kCells; ++k) {
                    const auto center = [](int c) { return -0.5 + (c + 0.5) / kCells; };
                    const double d = distance({center(i), center(j), center(k)});
                    if (std::abs(d) < 5e-3) continue;
                    ASSERT_EQ(v[b][i][j][k] > 0.5f, d < 0) << i << " " << j << " " << k;
                    inside += d < 0;
                }
    EXPECT_GT(inside, 20);
}

TEST_F(ExplicitDatasetTest, ModelsLearnFromBothLayouts) {
    const std::map<std::string, std::string> models{{"psgn", "n_points = 64\n"},
                                                    {"r2n2", fmt::format("resolution = {}\n", kCells)},
                                                    {"atlasnet", "n_patches = 2\nn_points = 64\nhidden = 16\n"}};
    for (const char* layout : {"papers", "packed"})
        for (const auto& [name, lines] : models) {
            const TrainResult r = train_on(root_ / layout, name, lines);
            ASSERT_EQ(r.steps, 60) << name;
            std::vector<double> losses;
            double figure = 0;
            for (const auto& line : metrics(r.model.parent_path())) {
                if (line.contains("loss")) losses.push_back(line["loss"]);
                figure = line.value(name == "r2n2" ? "validation_iou" : "validation_chamfer", figure);
            }
            ASSERT_GE(losses.size(), 60u) << name;
            EXPECT_LT(losses[59], 0.7 * losses[0]) << name << " " << layout;
            EXPECT_GT(figure, 0) << name;
        }
}

TEST_F(ExplicitDatasetTest, AnotherResolutionThanTheSetsIsNamed) {
    const Error e = test::error_of([&] { train_on(root_ / "papers", "r2n2", "resolution = 16\n"); });
    EXPECT_EQ(e.kind(), ErrorKind::input);
    EXPECT_THAT(e.what(), HasSubstr("16 cells a side"));
}

}  // namespace
}  // namespace nir::pipeline
