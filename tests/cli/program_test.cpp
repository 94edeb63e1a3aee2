// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What holds for every verb: options, exit codes, one error line, --json.
#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace nir::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Program, VersionAndHelpGoToStdout) {
    const auto version = run_nir({"--version"});
    EXPECT_EQ(version.code, 0);
    EXPECT_EQ(version.out, "nir " NIR_VERSION "\n");
    EXPECT_EQ(version.err, "");
    const auto help = run_nir({"--help"});
    EXPECT_EQ(help.code, 0);
    for (const char* word : {"--threads", "--device", "--seed", "--json", "list"})
        EXPECT_THAT(help.out, HasSubstr(word));
}

TEST(Program, EveryVerbHasHelp) {
    const auto listed = nlohmann::json::parse(run_nir({"list", "verb", "--json"}).out);
    ASSERT_FALSE(listed["components"].empty());
    for (const auto& verb : listed["components"]) {
        const auto help = run_nir({verb["name"], "--help"});
        EXPECT_EQ(help.code, 0) << verb["name"];
        EXPECT_THAT(help.out, HasSubstr(std::string(verb["summary"])));
        EXPECT_EQ(help.err, "");
    }
}

struct Misuse {
    std::vector<std::string> arguments;
    const char* message;
};
class Misuses : public testing::TestWithParam<Misuse> {};

TEST_P(Misuses, AreOneSentenceAndCode2) {
    const auto o = run_nir(GetParam().arguments);
    EXPECT_EQ(o.code, 2);
    EXPECT_EQ(o.out, "");
    expect_clean_stderr(o);
    EXPECT_THAT(o.err, HasSubstr(std::string("error: ") + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, Misuses,
    testing::Values(Misuse{{}, "a verb is needed"}, Misuse{{"lst"}, "unknown verb \"lst\" – did you mean \"list\"?"},
                    Misuse{{"list", "--thraeds", "3"}, "unknown option \"--thraeds\" – did you mean \"--threads\"?"},
                    Misuse{{"list", "--threads=-1"}, "--threads: "}, Misuse{{"list", "--threads", "x"}, "--threads: "},
                    Misuse{{"list", "--threads"}, "--threads"}, Misuse{{"list", "--device", "tpu"}, "--device: "},
                    Misuse{{"list", "--seed", "-4"}, "--seed: "},
                    Misuse{{"list", "verb", "x"}, "unexpected argument \"x\""},
                    Misuse{{"list", "nothing"}, "nothing of the kind \"nothing\""}));

TEST(Program, JsonIsOneObjectWithTheCommonKeys) {
    const auto o = run_nir({"--threads", "1", "list", "--json", "--seed", "7"});
    EXPECT_EQ(o.code, 0);
    const auto j = nlohmann::json::parse(o.out);
    EXPECT_EQ(j["version"], NIR_VERSION);
    EXPECT_TRUE(j["device"] == "cpu" || j["device"] == "cuda");
    EXPECT_EQ(j["threads"], 1);
    EXPECT_EQ(j["seed"], 7);
    EXPECT_GE(j["seconds"]["total"].get<double>(), 0.0);
    EXPECT_GT(j["peak_memory_bytes"].get<std::uint64_t>(), 1000000u);
}

// See apps/nir/library_settings.cpp; libgomp itself says what it took. A verb of the program that links torch.
TEST(Program, OpenMpThreadsSleepSoonUnlessTheUserSaysOtherwise) {
    RunOptions options;
    options.environment = {"OMP_DISPLAY_ENV=verbose"};
    EXPECT_THAT(run_nir({"list"}, options).err, HasSubstr("GOMP_SPINCOUNT = '1000'"));
    options.environment.emplace_back("OMP_WAIT_POLICY=active");
    EXPECT_THAT(run_nir({"list"}, options).err, HasSubstr("OMP_WAIT_POLICY = 'ACTIVE'"));
}

#ifdef __x86_64__
TEST(Program, OpenBlasTakesKernelsForWhatTheProcessorCan) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) GTEST_SKIP() << "an old processor";
    RunOptions options;
    options.environment = {"OPENBLAS_VERBOSE=2"};  // it says what it took
    const std::string err = run_nir({"list"}, options).err;
    EXPECT_THAT(err, HasSubstr("Core: "));
    for (const char* old : {"Prescott", "Core2", "Nehalem", "Barcelona", "Sandybridge"})
        EXPECT_THAT(err, Not(HasSubstr(old)));
    options.environment.emplace_back("OPENBLAS_CORETYPE=Prescott");
    EXPECT_THAT(run_nir({"list"}, options).err, HasSubstr("Core: Prescott"));
}
#endif

TEST(Program, WhatNeedsNoTorchStartsAtOnceAndTheRestIsHandedOver) {
    RunOptions options;
    options.environment = {"OMP_DISPLAY_ENV=verbose"};  // libgomp comes with torch and says so
    EXPECT_EQ(run_nir({"--version"}, options).err, "");
    EXPECT_EQ(run_nir({"--threads", "1", "reconstruct", "--help"}, options).err, "");
    EXPECT_THAT(run_nir({"reconstruct", "--help", "--device", "cuda"}, options).err, HasSubstr("OPENMP"));
    EXPECT_THAT(run_nir({"--help"}, options).err, HasSubstr("OPENMP"));
    options.environment.emplace_back("RANK=0");
    options.environment.emplace_back("WORLD_SIZE=2");
    EXPECT_THAT(run_nir({"reconstruct", "--help"}, options).err, HasSubstr("OPENMP"));
}

TEST(Program, AFullStdoutIsAnError) {
    RunOptions shell;
    shell.program = "/bin/sh";
    const auto o = run_nir({"-c", NIR_PROGRAM " list > /dev/full"}, shell);
    EXPECT_EQ(o.code, 3);
    expect_clean_stderr(o);
}

}  // namespace
}  // namespace nir::test
