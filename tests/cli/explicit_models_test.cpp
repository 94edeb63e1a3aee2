// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Models that make points, voxels or a mesh, through the program: train, extract, evaluate.
#include "nir/geom/mesh_check.h"
#include "nir/io/formats.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

const char* const kEncoder = "[model.encoder]\nname = \"pointnet_simple\"\nhidden_dim = 8\n";
const char* const kRest =
    "[data]\npoints = 60\nqueries = 16\nsurface = 64\n"
    "[train]\nbatch_size = 2\nsteps = 2\nlr = 1e-3\nvalidation_batches = 1\nvalidation_scans = 1\n"
    "validation_points = 64\npreview_scans = 1\nworkers = 0\n";

class ExplicitModels : public ::testing::Test {
protected:
    /// Trains for two steps; the run folder.
    std::string train(const std::string& name, const std::string& options) {
        const std::string config =
            folder_.write(name + ".toml", "[model]\nname = \"" + name + "\"\nc_dim = 8\n" + options + kEncoder + kRest);
        const std::string run = folder_ / name;
        const Outcome o = run_nir({"train", config, "--out", run, "--json"});
        EXPECT_EQ(o.code, 0) << o.err;
        expect_clean_stderr(o);
        return run;
    }
    std::string points() {
        std::string text;
        for (int i = 0; i < 60; ++i) {
            const double y = 1 - 2 * (i + 0.5) / 60, r = std::sqrt(1 - y * y), phi = 2.399963 * i;
            text += std::to_string(0.4 * r * std::cos(phi)) + " " + std::to_string(0.4 * y) + " " +
                    std::to_string(0.4 * r * std::sin(phi)) + "\n";
        }
        return folder_.write("points.xyz", text);
    }
    nlohmann::json extract(const std::string& run, const std::string& out, std::vector<std::string> more = {}) {
        std::vector<std::string> command{"extract", run, "--input", points(), "-o", out, "--json"};
        command.insert(command.end(), more.begin(), more.end());
        const Outcome o = run_nir(command);
        EXPECT_EQ(o.code, 0) << o.err;
        return o.code == 0 ? nlohmann::json::parse(o.out) : nlohmann::json();
    }
    int refused(const std::string& run, const std::string& out, std::vector<std::string> more) {
        std::vector<std::string> command{"extract", run, "--input", points(), "-o", out};
        command.insert(command.end(), more.begin(), more.end());
        const Outcome o = run_nir(command);
        expect_clean_stderr(o);
        return o.code;
    }
    const TemporaryFolder folder_;
};

TEST_F(ExplicitModels, PointsAreWrittenAsPoints) {
    const std::string run = train("psgn", "n_points = 40\n");
    const auto json = extract(run, folder_ / "p.ply");
    EXPECT_EQ(json["points"], 40);
    const auto cloud = io::read_point_cloud(folder_ / "p.ply");
    EXPECT_EQ(cloud.size(), 40u);
    extract(run, folder_ / "p.npy");
    EXPECT_EQ(io::read_point_cloud(folder_ / "p.npy").size(), 40u);
    EXPECT_EQ(refused(run, folder_ / "q.ply", {"--level", "0.5"}), 2);
    const Outcome o = run_nir({"evaluate", folder_ / "p.ply", "--truth", points(), "--json"});
    ASSERT_EQ(o.code, 0) << o.err;
    EXPECT_GT(nlohmann::json::parse(o.out)["chamfer_l1"].get<double>(), 0);
    const Outcome field =
        run_nir({"query", run, "--input", points(), "--points", folder_ / "p.npy", "-o", folder_ / "v.npy"});
    EXPECT_EQ(field.code, 2);
    EXPECT_THAT(field.err, HasSubstr("no field"));
}

TEST_F(ExplicitModels, VoxelsAreWrittenAsCellsOrBoxesOrASurface) {
    const std::string run = train("r2n2", "resolution = 8\n");
    const auto cells = extract(run, folder_ / "cells.npy");
    const auto grid = io::read_voxel_grid(folder_ / "cells.npy");
    ASSERT_EQ(grid.size, (geom::Vec3i{8, 8, 8}));
    // A level that half of the cells pass, since two steps teach nothing.
    auto sorted = grid.values;
    std::sort(sorted.begin(), sorted.end());
    const std::string level = std::to_string((sorted[255] + sorted[256]) / 2);
    const auto boxes = extract(run, folder_ / "boxes.ply", {"--level", level});
    const auto mesh = io::read_mesh(folder_ / "boxes.ply");
    const std::size_t filled = static_cast<std::size_t>(
        std::count_if(grid.values.begin(), grid.values.end(), [&](float v) { return v >= std::stod(level); }));
    EXPECT_NEAR(boxes["volume"].get<double>(), static_cast<double>(filled) / 512, 1e-6);
    const auto binary = extract(run, folder_ / "cells.binvox", {"--level", level});
    EXPECT_EQ(binary["filled_cells"], filled);
    const auto stored = io::read_voxel_grid(folder_ / "cells.binvox");
    EXPECT_NEAR(stored.origin.x, -0.5 + 1.0 / 16, 1e-6);
    EXPECT_EQ(std::count(stored.values.begin(), stored.values.end(), 1.0f), static_cast<std::ptrdiff_t>(filled));
    const auto surface = extract(run, folder_ / "surface.ply", {"--level", level, "--voxels", "surface"});
    EXPECT_EQ(surface["watertight"], true);
    EXPECT_EQ(refused(run, folder_ / "x.ply", {"--dense", "--voxels", "boxes"}), 2);

    // The cells as they are against the boxes: the same volume.
    const Outcome o = run_nir({"evaluate", folder_ / "cells.binvox", "--truth", folder_ / "boxes.ply", "--json"});
    ASSERT_EQ(o.code, 0) << o.err;
    const auto figures = nlohmann::json::parse(o.out);
    EXPECT_GT(figures["iou"].get<double>(), 0.99);
    EXPECT_THAT(figures["notes"].dump(), HasSubstr("voxel grid"));
}

TEST_F(ExplicitModels, AMeshIsWrittenAsItIs) {
    const std::string run = train("atlasnet", "n_patches = 2\nn_points = 50\nhidden = 8\n");
    const auto json = extract(run, folder_ / "m.ply");
    EXPECT_EQ(json["vertices"], 50);
    EXPECT_EQ(json["faces"], 2 * 2 * 16);
    EXPECT_EQ(json["watertight"], false);
    EXPECT_EQ(refused(run, folder_ / "m.binvox", {}), 2);
    EXPECT_EQ(refused(run, folder_ / "m2.ply", {"--resolution-0", "8"}), 2);
}

TEST(AtlasnetCheckpoint, GoesThroughConvert) {
    const TemporaryFolder folder;
    const std::string golden = NIR_SOURCE_DIR "/tests/golden/explicit/", parity = NIR_SOURCE_DIR "/tests/parity/";
    const Outcome o = run_nir({"convert", golden + "atlasnet_square_small.pth", folder / "m.safetensors", "--config",
                               parity + "atlasnet_square_small.toml", "--json"});
    ASSERT_EQ(o.code, 0) << o.err;
    EXPECT_EQ(nlohmann::json::parse(o.out)["arrays"], 125);
    const Outcome wrong = run_nir({"convert", golden + "atlasnet_square_small.pth", folder / "n.safetensors",
                                   "--config", parity + "psgn_small.toml"});
    EXPECT_EQ(wrong.code, 3);
    expect_clean_stderr(wrong);
    EXPECT_THAT(wrong.err, HasSubstr("missing"));
}

}  // namespace
}  // namespace nir::test
