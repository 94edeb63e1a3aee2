// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// From generated photos of many objects to shapes and colours of one picture, through the program.
#include "nir/io/png.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

TEST(CliPictures, ShapeAndColourOfOnePicture) {
    const TemporaryFolder folder;
    const std::string data = folder / "data", run = folder / "run", texture = folder / "texture";
    const auto prepared = run_json({"prepare",
                                    "--generate",
                                    "3",
                                    "--families",
                                    "vessel",
                                    "--photos",
                                    "4",
                                    "--photo-size",
                                    "32",
                                    "--views",
                                    "2",
                                    "--view-size",
                                    "32",
                                    "--cells",
                                    "24",
                                    "--points",
                                    "200",
                                    "--samples",
                                    "300",
                                    "--voxels",
                                    "0",
                                    "--split",
                                    "0.34,0.33,0.33",
                                    "-o",
                                    data,
                                    "--json"});
    EXPECT_EQ(prepared["models"], 3);
    EXPECT_EQ(prepared["options"]["photos"], 4);
    const std::string picture = data + "/vessel/0001/img_choy2016/000.png", mesh = data + "/vessel/0001/mesh.ply";
    EXPECT_EQ(io::read_png(data + "/vessel/0001/image/0003.png").width, 32);

    const std::vector<std::string> small = {
        "--set", "data.path=" + data,        "--set", "data.pixels=64",        "--set",   "data.image_size=32",
        "--set", "model.image_size=32",      "--set", "train.batch_size=2",    "--set",   "train.validation_batches=1",
        "--set", "train.validation_scans=0", "--set", "train.preview_scans=0", "--steps", "20",
        "--json"};
    const auto train = [&](const char* preset, const std::string& out) {
        std::vector<std::string> arguments = {"train", std::string(NIR_SOURCE_DIR "/configs/") + preset, "-o", out};
        arguments.insert(arguments.end(), small.begin(), small.end());
        return run_json(arguments);
    };
    EXPECT_EQ(train("dvr/images.toml", run)["steps"], 20);
    const auto drawn = run_json({"render", run, "--input", picture, "--orbit", "2", "--size", "24", "--samples", "32",
                                 "--output", "rgb,depth", "-o", folder / "turn", "--json"});
    EXPECT_EQ(drawn["frames"], 2);
    EXPECT_EQ(drawn["kind"], "dvr");
    EXPECT_EQ(drawn["files"].size(), 4u);
    EXPECT_THAT(bytes_of(run + "/metrics.jsonl"), HasSubstr("processor_seconds"));

    EXPECT_EQ(train("texture_field/small.toml", texture)["steps"], 20);
    const std::string model = texture + "/model.safetensors";
    const auto colored =
        run_json({"texture", mesh, "--photo", picture, "--model", model, "-o", folder / "colored.ply", "--json"});
    EXPECT_GT(colored["vertices"], 100);

    struct Case {
        std::vector<std::string> arguments;
        const char* text;
    };
    const std::vector<Case> cases = {
        {{"texture", mesh, "--photo", picture, "-o", folder / "x.ply"}, "--model"},
        {{"texture", mesh, "--photo", picture, "--model", model, "--sharpen", "2", "-o", folder / "x.ply"},
         "--sharpen"},
        {{"texture", mesh, "--photos", data + "/vessel/0001", "--model", model, "-o", folder / "x.ply"}, "--photo"},
        {{"render", texture, "-o", folder / "x.png"}, "--mesh"},
        {{"render", run, "-o", folder / "x.png"}, "--input"},
        {{"render", run, "--input", picture, "--transfer", "fire", "-o", folder / "x.png"}, "--transfer"},
        {{"render", run, "--input", picture, "--path", "p.json", "-o", folder / "x.png"}, "--path"},
        {{"extract", texture, "--input", picture, "-o", folder / "x.ply"}, "nir texture"},
        {{"prepare", "--generate", "1", "--lit", "-o", folder / "y"}, "--photos"},
    };
    for (const Case& c : cases) {
        const Outcome o = run_nir(c.arguments);
        EXPECT_EQ(o.code, 2) << c.text << o.err;
        EXPECT_THAT(o.err, HasSubstr(c.text));
    }
}

}  // namespace
}  // namespace nir::test
