// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir config, nir list.
#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace nir::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ConfigVerb, ShowsEveryModelAsTomlThatChecks) {
    const auto shown = run_nir({"config", "show"});
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_THAT(shown.out, AllOf(HasSubstr("[model]\nname = \"conv_onet\""), HasSubstr("# conv_onet: ")));
    const TemporaryFolder folder;
    const auto one = run_nir({"config", "show", "--set", "model.name=conv_onet"});
    ASSERT_EQ(one.code, 0) << one.err;
    const auto checked = run_nir({"config", "check", folder.write("shown.toml", one.out)});
    EXPECT_EQ(checked.code, 0) << checked.err;
    EXPECT_THAT(checked.out, HasSubstr("no problems"));
}

TEST(ConfigVerb, MarkdownIsOneTable) {
    const auto o = run_nir({"config", "show", "--markdown"});
    EXPECT_EQ(o.code, 0);
    EXPECT_THAT(o.out, testing::StartsWith("| option | default | unit | range | meaning |\n|---|"));
    EXPECT_THAT(o.out, HasSubstr("| `model.name` |"));
}

TEST(ConfigVerb, EveryMistakeAtOnceWithItsLine) {
    const TemporaryFolder folder;
    const auto file = folder.write("mine.toml", "[model]\nname = \"conv_onet\"\nzzzzzzzz = 1\n\n[modle]\nx = 1\n");
    const auto o = run_nir({"config", "check", file});
    EXPECT_EQ(o.code, 2);
    expect_clean_stderr(o);
    EXPECT_THAT(o.err,
                AllOf(HasSubstr("error: " + file + " has 2 problems\n"), HasSubstr("\n  line 3: [model] unknown key"),
                      HasSubstr("\n  line 5: unknown key \"modle\" – did you mean \"model\"?")));
}

TEST(ConfigVerb, MissingFilesAndTomlMistakes) {
    const TemporaryFolder folder;
    const auto gone = run_nir({"config", "check", folder / "gone.toml"});
    EXPECT_EQ(gone.code, 2);
    EXPECT_THAT(gone.err, HasSubstr("gone.toml: no such configuration file"));
    const auto broken = run_nir({"config", "check", folder.write("broken.toml", "[model\n")});
    EXPECT_EQ(broken.code, 2);
    EXPECT_THAT(broken.err, HasSubstr("broken.toml:1: "));
    for (const auto& o : {gone, broken}) expect_clean_stderr(o);
}

TEST(ListVerb, NamesFormatsModelsAndTheirParts) {
    const auto j = nlohmann::json::parse(run_nir({"list", "--json"}).out);
    const auto has = [&](const char* kind, const char* name) {
        for (const auto& c : j["components"])
            if (c["kind"] == kind && c["name"] == name) return true;
        return false;
    };
    EXPECT_TRUE(has("verb", "reconstruct"));
    EXPECT_TRUE(has("model", "conv_onet"));
    for (const auto& c : j["components"]) EXPECT_FALSE(c["summary"].get<std::string>().empty()) << c;
}

}  // namespace
}  // namespace nir::test
