// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Light fields through the program: a mesh to lit pictures, to a run, to pictures under other lamps.
#include "nir/io/png.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

nlohmann::json json_of(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    return run_json(arguments);
}

const std::string kMesh = NIR_SOURCE_DIR "/tests/golden/scenes/spot/mesh.ply";
const std::string kPreset = NIR_SOURCE_DIR "/configs/light/object.toml";

double mean_of(const std::string& file) {
    const geom::Image8 image = io::read_png(file);
    double sum = 0;
    for (const std::uint8_t v : image.data) sum += v;
    return sum / static_cast<double>(image.data.size());
}

TEST(CliLight, FromAMeshToPicturesUnderOtherLamps) {
    const TemporaryFolder folder;
    const std::string data = folder / "data", run = folder / "run";
    const auto prepared = json_of({"prepare", kMesh, "--lights", "3", "--views", "5", "--view-size", "32", "-o", data});
    EXPECT_EQ(prepared["train"], 15);
    EXPECT_EQ(prepared["test_both"], 24);
    EXPECT_EQ(io::read_png(data + "/train/v004_l002.png").channels, 4);
    const auto trained = json_of({"train", kPreset, "--set", "data.path=" + data, "--set", "train.batch=1024",
                                  "--steps", "150", "-o", run, "--seed", "2"});
    EXPECT_EQ(trained["steps"], 150);
    EXPECT_GT(trained["psnr"], 22);
    const auto held_out = json_of({"evaluate", run, "--truth", data + "/transforms_test_both.json", "--views", "4"});
    EXPECT_GT(held_out["psnr"], 22);
    EXPECT_EQ(held_out["views"].size(), 4u);

    const std::string lights = folder.write(
        "lights.json",
        R"({"lights": [{"positions": [[3, 0, 1], [-3, 0, 1]]}, {"type": "distant", "direction": [0, 0, 1], "intensity": 0.2}],
            "frames": 3})");
    const auto drawn =
        json_of({"render", run, "--lights", lights, "--size", "24", "--background", "black", "-o", folder / "frames"});
    EXPECT_EQ(drawn["frames"], 3);
    const std::string dark = folder.write("dark.json", R"({"ambient": 0})");
    json_of({"render", run, "--lights", dark, "--size", "24", "--background", "black", "-o", folder / "dark.png"});
    EXPECT_EQ(mean_of(folder / "dark.png"), 0);
    EXPECT_GT(mean_of(folder / "frames/000.png"), 1);
    EXPECT_NE(bytes_of(folder / "frames/000.png"), bytes_of(folder / "frames/002.png"));
}

TEST(CliLight, OneSentenceForWhatItCannotUse) {
    const TemporaryFolder folder;
    const std::string data = folder / "data";
    json_of({"prepare", kMesh, "--lights", "1", "--views", "1", "--view-size", "16", "-o", data});
    json_of({"train", kPreset, "--set", "data.path=" + data, "--steps", "1", "-o", folder / "run"});
    int files = 0;
    const auto lights = [&](const std::string& text) {
        const std::string name = "lights" + std::to_string(files++) + ".json";
        return std::vector<std::string>{"render",         folder / "run", "-o",
                                        folder / "x.png", "--lights",     folder.write(name, text)};
    };
    struct Case {
        std::vector<std::string> arguments;
        int code;
        const char* says;
    };
    const Case cases[] = {
        {lights("{"), 3, "no JSON"},
        {lights(R"({"lamps": []})"), 3, "lights.lamps"},
        {lights(R"({"lights": [{"position": [1, 2]}]})"), 3, "lights[0].position"},
        {lights(R"({"lights": [{}]})"), 3, "lights[0]"},
        {{"prepare", kMesh, "--lights", "1", "-o", data}, 2, "--force"},
        {{"train", kPreset, "-o", folder / "other"}, 2, "data.path"},
        {{"evaluate", folder / "run"}, 2, "--truth"},
    };
    for (const Case& c : cases) {
        const Outcome o = run_nir(c.arguments);
        EXPECT_EQ(o.code, c.code) << o.err;
        expect_clean_stderr(o);
        EXPECT_THAT(o.err, HasSubstr(c.says));
    }
}

}  // namespace
}  // namespace nir::test
