// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Pictures, meshes and sparse volumes as functions, through the program.
#include "nir/geom/image.h"
#include "nir/io/png.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kSmall{"--set", "model.levels=8",      "--set", "model.log2_entries=13",
                                      "--set", "train.log2_batch=12", "--set", "data.log2_samples=14"};

nlohmann::json json_of(std::vector<std::string> arguments, const std::vector<std::string>& more = {}) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("--json");
    return run_json(arguments);
}

TEST(CliFunction, APictureIsLearnedAndDrawnLarger) {
    const TemporaryFolder folder;
    geom::Image8 image(48, 32, 3);
    for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 48; ++x)
            for (int k = 0; k < 3; ++k)
                image.pixel(x, y)[k] = static_cast<std::uint8_t>(128 + 90 * std::sin(0.2 * x + 0.15 * k * y));
    io::write_png(folder / "photo.png", image);
    const std::string run = folder / "run";
    EXPECT_GT(json_of({"train", folder / "photo.png", "-o", run, "--steps", "120"}, kSmall)["psnr"], 28);
    json_of({"render", run, "-o", folder / "large.png", "--size", "96x64"});
    EXPECT_EQ(io::read_png(folder / "large.png").width, 96);
    EXPECT_EQ(json_of({"train", folder / "photo.png", "-o", run, "--steps", "140", "--resume"})["steps"], 140);
    const Outcome refused = run_nir({"extract", run, "-o", folder / "x.ply"});
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr("is a picture"));
    expect_clean_stderr(refused);
}

TEST(CliFunction, AMeshIsLearnedAndComesBack) {
    const TemporaryFolder folder;
    const std::string mesh = NIR_SOURCE_DIR "/tests/golden/scenes/spot/mesh.ply", run = folder / "run";
    EXPECT_GT(json_of({"train", mesh, "-o", run, "--steps", "300"}, kSmall)["iou"], 0.9);
    EXPECT_EQ(json_of({"extract", run, "-o", folder / "out.ply", "--resolution-0", "32"})["watertight"], true);
    EXPECT_GT(json_of({"evaluate", folder / "out.ply", "--truth", mesh})["iou"], 0.9);
}

TEST(CliFunction, ASparseVolumeIsMeshedMeasuredAndDrawn) {
    const TemporaryFolder folder;
    const std::string ball = NIR_SOURCE_DIR "/tests/golden/volumes/ball.vdb";  // radius 2.5 around (1, -2, 3)
    const auto mesh = json_of({"extract", ball, "-o", folder / "ball.ply"});
    EXPECT_EQ(mesh["watertight"], true);
    EXPECT_NEAR(mesh["volume"].get<double>(), 4.0 / 3 * std::numbers::pi * 2.5 * 2.5 * 2.5, 0.7);
    EXPECT_EQ(json_of({"info", ball})["format"], "OpenVDB");
    json_of({"render", ball, "-o", folder / "ball.png", "--size", "40x30"});
    EXPECT_EQ(io::read_png(folder / "ball.png").height, 30);
    json_of({"convert", ball, folder / "ball.npy"});
    EXPECT_EQ(json_of({"info", folder / "ball.npy"})["format"], "NPY");
    const Outcome refused = run_nir({"reconstruct", ball, "-o", folder / "x.ply"});
    EXPECT_EQ(refused.code, 3);
    EXPECT_THAT(refused.err, HasSubstr("OpenVDB"));
    expect_clean_stderr(refused);
}

}  // namespace
}  // namespace nir::test
