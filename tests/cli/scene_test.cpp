// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/scene.h"

#include "nir/io/npy.h"
#include "nir/io/png.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

const std::string kSpot = std::string(NIR_SOURCE_DIR) + "/tests/golden/scenes/spot/transforms_test.json";

TEST(NirScene, InfoChecksAndDraws) {
    const TemporaryFolder folder;
    const auto json = run_json({"info", kSpot, "--preview", folder / "cameras.png", "--json"});
    EXPECT_EQ(json["kind"], "scene");
    EXPECT_EQ(json["views"]["test"], 3);
    EXPECT_EQ(json["cameras"][0]["width"], 200);
    EXPECT_TRUE(json["findings"].empty()) << json["findings"];
    EXPECT_EQ(io::read_png(folder / "cameras.png").width, 1280);
    const auto text = run_nir({"info", kSpot});
    EXPECT_EQ(text.code, 0);
    EXPECT_THAT(text.out, HasSubstr("nothing looks wrong"));
    EXPECT_THAT(text.out, HasSubstr("up         +z"));
}

TEST(NirScene, ConvertsThereAndBack) {
    const TemporaryFolder folder;
    const auto json = run_json({"convert", kSpot, folder / "colmap/sparse/0", "--json"});
    EXPECT_EQ(json["to"], "COLMAP text");
    EXPECT_EQ(json["views"], 3);
    EXPECT_EQ(json["lost"], nlohmann::json::array({"splits"}));
    const auto refused = run_nir({"convert", kSpot, folder / "x.obj"});
    EXPECT_EQ(refused.code, 2);
    expect_clean_stderr(refused);
    ASSERT_EQ(run_nir({"convert", kSpot, folder / "t.json"}).code, 0);
    const io::Scene a = io::read_scene(kSpot), b = io::read_scene(folder / "t.json");
    ASSERT_EQ(a.views.size(), b.views.size());
    for (std::size_t i = 0; i < a.views.size(); ++i)
        EXPECT_EQ(a.views[i].world_from_camera, b.views[i].world_from_camera);
    EXPECT_EQ(a.cameras, b.cameras);
}

TEST(NirRender, VolumesToPicturesFoldersAndFloats) {
    const TemporaryFolder folder;
    std::vector<float> values;
    for (int i = 0; i < 16 * 16 * 16; ++i) values.push_back(i / 256 > 3 && i / 256 < 12 && i % 16 > 3 ? 1.0f : 0.0f);
    io::write_npy(folder / "v.npy", io::NamedArray::from("", {16, 16, 16}, values));
    const auto json = run_json({"render", folder / "v.npy", "-o", folder / "v.png", "--size", "64x48", "--json"});
    EXPECT_EQ(json["frames"], 1);
    EXPECT_GT(json["seconds_per_frame"].get<double>(), 0);
    const geom::Image8 image = io::read_png(folder / "v.png");
    ASSERT_EQ(image.width * 1000 + image.height, 64048);
    EXPECT_EQ(image.pixel(0, 0)[0], 255) << "white behind";
    EXPECT_LT(image.pixel(32, 24)[2], 230) << "the box is in the middle";
    const auto turn = run_json({"render", folder / "v.npy", "-o", folder / "turn", "--views", "3", "--size", "32",
                                "--output", "rgb,depth,alpha", "--background", "transparent", "--json"});
    EXPECT_EQ(turn["files"].size(), 9u);
    EXPECT_TRUE(std::filesystem::exists(folder / "turn/002_depth.exr"));
    EXPECT_EQ(io::read_png(folder / "turn/001.png").channels, 4);
    const auto posed = run_json({"render", folder / "v.npy", "-o", folder / "posed", "--cameras", kSpot, "--spacing",
                                 "0.1", "--origin", "-0.75", "-0.75", "-0.75", "--json"});
    EXPECT_EQ(posed["frames"], 3);
    EXPECT_EQ(posed["size"], nlohmann::json::array({200, 200}));
    for (const auto& bad : std::vector<std::vector<std::string>>{{"--size", "0x4"},
                                                                 {"--background", "pink"},
                                                                 {"--range", "2", "1"},
                                                                 {"--look-at", "0", "0", "0"},
                                                                 {"--transfer", "none"}}) {
        std::vector<std::string> arguments = {"render", folder / "v.npy", "-o", folder / "bad.png"};
        arguments.insert(arguments.end(), bad.begin(), bad.end());
        const auto run = run_nir(arguments);
        EXPECT_EQ(run.code, 2) << bad[0] << run.err;
        expect_clean_stderr(run);
    }
    EXPECT_EQ(run_nir({"render", folder / "v.npy", "-o", folder / "v.obj"}).code, 2);
    EXPECT_EQ(run_nir({"render", folder / "none.npy", "-o", folder / "v.png"}).code, 3);
}

}  // namespace
}  // namespace nir::test
