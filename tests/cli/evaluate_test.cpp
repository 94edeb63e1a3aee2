// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir evaluate: figures, folders, bad input.
#include "nir/io/formats.h"

#include "cli/run_program.h"
#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

class Evaluate : public ::testing::Test {
protected:
    std::string mesh(const std::string& name, double radius) const {
        std::filesystem::create_directories(std::filesystem::path(folder / name).parent_path());
        io::write_geometry(folder / name, nir::testing::make_sphere(radius, 40));
        return folder / name;
    }
    static nlohmann::json json_of(std::vector<std::string> arguments) {
        for (const char* a : {"--json", "--samples", "20000"}) arguments.emplace_back(a);
        const auto o = run_nir(arguments);
        EXPECT_EQ(o.code, 0) << o.err;
        expect_clean_stderr(o);
        return nlohmann::json::parse(o.out);
    }
    TemporaryFolder folder;
};

TEST_F(Evaluate, TwoSpheres) {
    const auto pred = mesh("pred.ply", 0.35), truth = mesh("truth.obj", 0.36);
    const auto j = json_of({"evaluate", pred, "--truth", truth, "--unit", "1"});
    EXPECT_NEAR(j["chamfer_l1_p2s"].get<double>(), 0.01, 3e-4);
    EXPECT_NEAR(j["iou"].get<double>(), std::pow(35.0 / 36.0, 3), 0.01);
    EXPECT_GT(j["normal_consistency"].get<double>(), 0.99);
    EXPECT_EQ(j["watertight"], true);
    EXPECT_EQ(j["components"], 1);
    EXPECT_EQ(j["protocol"], "nir");
    EXPECT_TRUE(j["notes"].empty());
    for (const char* key : {"chamfer_l1", "f_score_1", "iou"})
        EXPECT_THAT(j["conventions"][key].get<std::string>(), ::testing::Not(""));
    EXPECT_TRUE(j["seconds"].contains("read"));
    const auto p = json_of({"evaluate", pred, "--truth", truth, "--protocol", "convonet"});
    EXPECT_NEAR(p["chamfer_l1_x10"].get<double>(), 10 * p["chamfer_l1"].get<double>(), 1e-12);
    EXPECT_TRUE(p.contains("f_score_1_5"));
}

TEST_F(Evaluate, TextNamesTheConventionOfEachFigure) {
    const auto o = run_nir({"evaluate", mesh("a.ply", 0.5), "--truth", mesh("b.ply", 0.5), "--samples", "5000"});
    EXPECT_EQ(o.code, 0);
    EXPECT_THAT(o.out, HasSubstr("protocol nir"));
    EXPECT_THAT(o.out, HasSubstr("(accuracy + completeness) / 2"));
    EXPECT_THAT(o.out, HasSubstr("not squared, 5000 area-weighted samples"));
    EXPECT_THAT(o.out, HasSubstr("parity of three rays"));
}

TEST_F(Evaluate, FoldersCountMissingAndEmptyPredictions) {
    for (const char* name : {"a", "b", "b_two", "c"}) mesh(std::string("truth/") + name + ".ply", 0.5);
    mesh("pred/a.v1.obj", 0.49), mesh("pred/b.stl", 0.5), mesh("pred/b_two.ply", 0.48), mesh("pred/other.ply", 0.5);
    folder.write("pred/notes.md", "not a shape");
    const auto j = json_of({"evaluate", folder / "pred", "--truth", folder / "truth"});
    ASSERT_EQ(j["pairs"].size(), 4u);
    EXPECT_THAT(j["pairs"][2]["prediction"].get<std::string>(), HasSubstr("b_two.ply"));
    EXPECT_TRUE(j["pairs"][3]["prediction"].is_null());
    EXPECT_TRUE(j["pairs"][3]["chamfer_l1"].is_null());
    EXPECT_EQ(j["pairs"][3]["iou"], 0.0);
    EXPECT_EQ(j["unmatched"].size(), 1u);
    double iou = 0.0, chamfer = 0.0;
    for (std::size_t i = 0; i < 3; ++i)
        iou += j["pairs"][i]["iou"].get<double>() / 4, chamfer += j["pairs"][i]["chamfer_l1"].get<double>() / 3;
    EXPECT_NEAR(j["iou"].get<double>(), iou, 1e-12);
    EXPECT_NEAR(j["chamfer_l1"].get<double>(), chamfer, 1e-12);
    EXPECT_EQ(j["watertight"], 0.75);
    EXPECT_THAT(j["notes"].dump(), HasSubstr("1 of 4 predictions are empty"));
    const auto text = run_nir({"evaluate", folder / "pred", "--truth", folder / "truth", "--samples", "2000"});
    EXPECT_THAT(text.out, HasSubstr("no prediction file"));
    EXPECT_THAT(text.out, HasSubstr("mean of 4 pairs"));
}

TEST_F(Evaluate, EmptyPredictionIsDoneAndSaysSo) {
    const auto pred =
        folder.write("empty.ply",
                     "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\n"
                     "property float z\nelement face 0\nproperty list uchar int vertex_indices\nend_header\n");
    const auto j = json_of({"evaluate", pred, "--truth", mesh("t.ply", 0.5)});
    EXPECT_TRUE(j["chamfer_l1"].is_null());
    EXPECT_EQ(j["iou"], 0.0);
    EXPECT_THAT(j["notes"].dump(), HasSubstr("empty"));
}

TEST_F(Evaluate, BadInput) {
    const auto good = mesh("good.ply", 0.5);
    const auto expect = [&](std::vector<std::string> arguments, int code, const char* text) {
        arguments.insert(arguments.begin(), "evaluate");
        const auto o = run_nir(arguments);
        EXPECT_EQ(o.code, code) << o.err;
        expect_clean_stderr(o);
        EXPECT_THAT(o.err, HasSubstr(text));
    };
    expect({good}, 2, "--truth");
    expect({good, "--truth", good, "--protocol", "mine"}, 2, "--protocol");
    expect({good, "--truth", folder / "none.ply"}, 3, "none.ply: there is no such file");
    expect({good, "--truth", folder.path().string()}, 2, "is a folder of truths");
    expect({folder.write("bad.ply", "ply\nformat ascii 1.0\nelement vertex 9"), "--truth", good}, 3, "bad.ply");
    expect({good, "--truth", folder.write("empty.xyz", "")}, 3, "empty.xyz");
    std::filesystem::create_directories(folder / "void");
    expect({folder / "void", "--truth", good}, 3, "holds no mesh");
    expect({good, "--truth", good, "--samples", "0"}, 2, "--samples");
}

}  // namespace
}  // namespace nir::test
