// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir train through the program: results, exit codes, Ctrl-C and going on.
#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace nir::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::string kTiny = NIR_SOURCE_DIR "/configs/cascade/tiny.toml";

TEST(CliTrain, TrainsAndReports) {
    const TemporaryFolder folder;
    const std::string run = folder / "run";
    const Outcome o = run_nir({"train", kTiny, "--out", run, "--steps", "4", "--seed", "3", "--json"});
    ASSERT_EQ(o.code, 0) << o.err;
    expect_clean_stderr(o);
    const auto json = nlohmann::json::parse(o.out);
    EXPECT_EQ(json["steps"], 4);
    EXPECT_EQ(json["seed"], 3);
    EXPECT_GT(json["loss"].get<double>(), 0);
    EXPECT_EQ(json["best"]["step"], 4);
    EXPECT_TRUE(json["seconds"].contains("train"));
    EXPECT_TRUE(fs::exists(json["model"].get<std::string>()));

    // The folder is not taken twice by accident.
    const Outcome again = run_nir({"train", kTiny, "--out", run});
    EXPECT_EQ(again.code, 2);
    expect_clean_stderr(again);
    EXPECT_THAT(again.err, HasSubstr("--resume"));
    const Outcome on = run_nir({"train", kTiny, "--out", run, "--steps", "6", "--resume", "--json"});
    ASSERT_EQ(on.code, 0) << on.err;
    EXPECT_EQ(nlohmann::json::parse(on.out)["steps"], 6);
}

TEST(CliTrain, CtrlCSavesAndResumes) {
    const TemporaryFolder folder;
    const std::string run = folder / "run";
    RunOptions interrupt;
    interrupt.interrupt_after_s = 4;
    const std::vector<std::string> endless{"train", kTiny,   "--out",         run,     "--time",
                                           "1h",    "--set", "train.steps=0", "--set", "train.validation_scans=0"};
    const Outcome o = run_nir(endless, interrupt);
    EXPECT_EQ(o.code, 130) << o.err;
    EXPECT_THAT(o.err, HasSubstr("everything is saved"));
    EXPECT_TRUE(fs::exists(run + "/optimizer.safetensors"));
    EXPECT_TRUE(fs::exists(run + "/model.safetensors"));
    // The time of all sessions together is over at once.
    const Outcome on = run_nir({"train", kTiny, "--out", run, "--resume", "--time", "1s", "--set",
                                "train.validation_scans=0", "--set", "train.preview_scans=0", "--json"});
    EXPECT_EQ(on.code, 0) << on.err;
}

TEST(CliTrain, RefusesWhatItCannotRead) {
    const TemporaryFolder folder;
    const std::string config = folder.write("bad.toml",
                                            "[model]\nname = \"cascade\"\n[data]\nname = \"cascade\"\n"
                                            "[train]\nlearning_rat = 1\nsteps = -1\n");
    const Outcome bad = run_nir({"train", config, "--out", folder / "run"});
    EXPECT_EQ(bad.code, 2);
    EXPECT_THAT(bad.err, HasSubstr("line 6"));
    EXPECT_THAT(bad.err, HasSubstr("line 7"));
    EXPECT_FALSE(fs::exists(folder / "run"));
    EXPECT_EQ(run_nir({"train", folder / "none.toml", "--out", folder / "run"}).code, 2);
    const Outcome nothing = run_nir({"train", kTiny, "--out", folder / "run", "--resume"});
    EXPECT_EQ(nothing.code, 3);
    EXPECT_THAT(nothing.err, HasSubstr("nothing to resume"));
    const std::string file = folder.write("file", "x");
    EXPECT_EQ(run_nir({"train", kTiny, "--out", file}).code, 2);
    const Outcome init = run_nir({"train", kTiny, "--out", folder / "run", "--init", config});
    EXPECT_EQ(init.code, 3);
    expect_clean_stderr(init);
}

}  // namespace
}  // namespace nir::test
