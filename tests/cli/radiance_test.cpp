// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Radiance fields through the program: photos in; a run, pictures, figures and a mesh out.
#include "nir/io/png.h"

#include "cli/run_program.h"
#include "support/ball_scene.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace nir::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::vector<std::string> train_command(const std::string& scene, const std::string& run,
                                       const std::vector<std::string>& more) {
    std::vector<std::string> out{"train", scene, "-o", run};
    for (const std::string& o : small_ball_field()) out.insert(out.end(), {"--set", o});
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

TEST(CliRadiance, TrainsIntoARunFolder) {
    const TemporaryFolder folder;
    write_ball_scene(folder / "scene");
    const std::string run = folder / "run";
    const Outcome o = run_nir(train_command(folder / "scene", run, {"--steps", "120", "--seed", "3", "--json"}));
    ASSERT_EQ(o.code, 0) << o.err;
    expect_clean_stderr(o);
    const auto json = nlohmann::json::parse(o.out);
    EXPECT_EQ(json["steps"], 120);
    EXPECT_GT(json["psnr"].get<double>(), 18);
    EXPECT_GT(json["validation_psnr"].get<double>(), 20);
    EXPECT_GT(json["samples_per_second"].get<double>(), 1000);
    EXPECT_TRUE(fs::exists(json["model"].get<std::string>()));
    for (const char* name : {"config.toml", "env.json", "metrics.jsonl", "log.txt", "optimizer.safetensors"})
        EXPECT_TRUE(fs::exists(run + "/" + name)) << name;
    const geom::Image8 preview = io::read_png(run + "/previews/0000120_view.png");
    EXPECT_EQ(preview.width, 80);
    EXPECT_EQ(preview.height, 40);
    std::ifstream metrics(run + "/metrics.jsonl");
    std::string line;
    ASSERT_TRUE(std::getline(metrics, line));
    EXPECT_TRUE(nlohmann::json::parse(line).contains("psnr")) << line;

    // The resolved configuration alone repeats the run.
    const Outcome again = run_nir({"train", run + "/config.toml", "-o", folder / "again", "-q"});
    ASSERT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(bytes_of(run + "/model.safetensors"), bytes_of(folder / "again/model.safetensors"));

    const Outcome taken = run_nir(train_command(folder / "scene", run, {}));
    EXPECT_EQ(taken.code, 2);
    EXPECT_THAT(taken.err, HasSubstr("--resume"));
}

TEST(CliRadiance, CtrlCSavesAndResumes) {
    const TemporaryFolder folder;
    write_ball_scene(folder / "scene", 8, 1, 16);
    RunOptions interrupt;
    interrupt.interrupt_after_s = 3;
    const Outcome o = run_nir(train_command(folder / "scene", folder / "run", {"--time", "1h"}), interrupt);
    EXPECT_EQ(o.code, 130) << o.err;
    EXPECT_THAT(o.err, HasSubstr("everything is saved"));
    const Outcome on = run_nir({"train", folder / "scene", "-o", folder / "run", "--resume", "--time", "1s", "--json"});
    ASSERT_EQ(on.code, 0) << on.err;
    EXPECT_GT(nlohmann::json::parse(on.out)["steps"], 5);
}

TEST(CliRadiance, OneSentenceForWhatItCannotTrainWith) {
    const TemporaryFolder folder;
    write_ball_scene(folder / "scene", 4, 1, 16);
    fs::create_directories(folder / "empty");
    struct Case {
        std::vector<std::string> arguments;
        int code;
        std::string says;
    };
    const std::string scene = folder / "scene", out = folder / "out";
    const std::string wrong =
        folder.write("wrong.toml", "[model]\nname = \"radiance\"\nlevles = 4\n[train]\nsteps = -1\n");
    const std::string nowhere = folder.write("nowhere.toml", "[model]\nname = \"radiance\"\n");
    const std::string other = folder.write("other.toml", "[model]\nname = \"onet\"\n");
    for (const Case& c : std::vector<Case>{
             {{"train", folder / "empty", "-o", out}, 3, "empty"},
             {{"train", folder / "none", "-o", out}, 3, "none"},
             {{"train", wrong, "-o", out}, 2, "levels"},
             {{"train", nowhere, "-o", out}, 2, "data.path"},
             {{"train", scene, "-o", out, "--preset", other}, 2, "radiance"},
             {{"train", scene, "-o", out, "--set", "model.hidden=50"}, 2, "multiple of 16"},
             {{"train", scene, "-o", out, "--set", "data.box=[5,5,5,6,6,6]"}, 3, "box"},
             {{"train", scene, "-o", out, "--init", other}, 2, "--init"},
             {{"train", scene, "-o", out, "--resume"}, 3, "nothing to resume"},
         }) {
        const Outcome o = run_nir(c.arguments);
        EXPECT_EQ(o.code, c.code) << c.arguments[1] << o.err;
        EXPECT_THAT(o.err, HasSubstr(c.says));
        expect_clean_stderr(o);
        fs::remove_all(out);
    }
    fs::remove(folder / "scene/train_2.png");
    const Outcome missing = run_nir({"train", scene, "-o", out});
    EXPECT_EQ(missing.code, 3);
    EXPECT_THAT(missing.err, HasSubstr("train_2.png"));
    folder.write("scene/train_2.png", "no picture");
    EXPECT_EQ(run_nir({"train", scene, "-o", out}).code, 3);
}

}  // namespace
}  // namespace nir::test
