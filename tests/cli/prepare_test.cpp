// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir prepare: meshes to a training set, its report, bad input.
#include "nir/io/formats.h"

#include "cli/run_program.h"
#include "support/meshes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

class Prepare : public ::testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"ball/a.ply", "ball/b.obj", "ball/c.stl", "ring/a.off"}) mesh(name);
    }
    void mesh(const std::string& name) const {
        std::filesystem::create_directories(std::filesystem::path(folder / ("in/" + name)).parent_path());
        io::write_geometry(folder / ("in/" + name), name.starts_with("ring") ? testing::make_torus(1, 0.3, 40, 20)
                                                                             : testing::make_sphere(1, 20));
    }
    std::vector<std::string> command(std::vector<std::string> more = {}) const {
        std::vector<std::string> out = {"prepare", folder / "in", "-o", folder / "set", "--points", "2000", "--samples",
                                        "500",     "--views",     "1",  "--view-size",  "32"};
        out.insert(out.end(), more.begin(), more.end());
        return out;
    }
    TemporaryFolder folder;
};

TEST_F(Prepare, ReportsTotalsAndQuality) {
    const auto o = run_nir(command({"--layout", "papers,packed", "--json"}));
    ASSERT_EQ(o.code, 0) << o.err;
    expect_clean_stderr(o);
    const auto j = nlohmann::json::parse(o.out);
    EXPECT_EQ(j["models"], 4);
    EXPECT_EQ(j["watertight"], 4);
    EXPECT_EQ(j["good"], 4);
    EXPECT_GE(j["parity_agreement_closed"].get<double>(), 0.9999);
    EXPECT_EQ(j["train"].get<int>() + j["val"].get<int>() + j["test"].get<int>(), 4);
    EXPECT_EQ(j["quality"].size(), 4u);
    EXPECT_TRUE(j["worst"].empty());
    EXPECT_GE(j["packed"].size(), 1u);
    for (const char* file :
         {"ball/a/points.npz", "ball/a/pointcloud.npz", "ball/a/model.binvox", "ring/a/img_choy2016/000.png",
          "ball/train.lst", "metadata.yaml", "report.json", "train.safetensors"})
        EXPECT_TRUE(std::filesystem::exists(folder / (std::string("set/") + file))) << file;
    const auto again = run_nir(command());
    EXPECT_EQ(again.code, 2);
    expect_clean_stderr(again);
    EXPECT_THAT(again.err, HasSubstr("--resume"));
    const auto packed = run_nir({"prepare", folder / "set", "-o", folder / "packed", "--layout", "packed"});
    EXPECT_EQ(packed.code, 0) << packed.err;
    EXPECT_THAT(packed.out, HasSubstr("train.safetensors"));
}

TEST_F(Prepare, BadMeshesEndWithThreeUnlessAccepted) {
    folder.write("in/ball/broken.ply", "ply\nformat ascii 1.0\nelement vertex 9");
    const auto o = run_nir(command({"--json"}));
    EXPECT_EQ(o.code, 3);
    EXPECT_THAT(o.err, HasSubstr("error: 1 of 5 meshes could not be used"));
    EXPECT_THAT(o.err, HasSubstr("broken.ply"));
    const auto j = nlohmann::json::parse(o.out);
    EXPECT_EQ(j["models"], 4);
    EXPECT_EQ(j["failed"].size(), 1u);
    const auto accepted = run_nir(command({"--resume", "--skip-bad"}));
    EXPECT_EQ(accepted.code, 0) << accepted.err;
    EXPECT_THAT(accepted.out, HasSubstr("4 kept from an earlier run"));
    EXPECT_THAT(accepted.out, HasSubstr("not used: "));
}

TEST_F(Prepare, MakesRoomsOfTheseMeshes) {
    const std::vector<std::string> rooms = {"prepare", "--rooms",        "1",        "--objects", folder / "in",
                                            "-o",      folder / "rooms", "--points", "500",       "--samples",
                                            "500",     "--room-files",   "2"};
    std::vector<std::string> with_json = rooms;
    with_json.emplace_back("--json");
    const auto o = run_nir(with_json);
    ASSERT_EQ(o.code, 0) << o.err;
    const auto j = nlohmann::json::parse(o.out);
    EXPECT_EQ(j["models"], 5);
    EXPECT_EQ(j["classes"].size(), 5u);
    EXPECT_EQ(j["train"], 5);
    for (const char* file : {"rooms_04/00000000/pointcloud/pointcloud_01.npz", "rooms_08/00000000/item_dict.npz",
                             "rooms_08/train.lst", "semantics.txt"})
        EXPECT_TRUE(std::filesystem::exists(folder / (std::string("rooms/") + file))) << file;
    const auto again = run_nir(rooms);
    EXPECT_EQ(again.code, 2);
    EXPECT_THAT(again.err, HasSubstr("--resume"));
    const auto mixed = run_nir({"prepare", folder / "in", "--rooms", "1", "-o", folder / "mixed"});
    EXPECT_EQ(mixed.code, 2);
    EXPECT_THAT(mixed.err, HasSubstr("--objects"));
}

TEST_F(Prepare, WrongUsage) {
    const auto expect = [&](std::vector<std::string> arguments, int code, const char* text) {
        arguments.insert(arguments.begin(), "prepare");
        const auto o = run_nir(arguments);
        EXPECT_EQ(o.code, code) << o.err;
        expect_clean_stderr(o);
        EXPECT_THAT(o.err, HasSubstr(text));
    };
    const std::string in = folder / "in", out = folder / "x";
    expect({in}, 2, "--output");
    expect({in, "-o", out, "--split", "0.8,0.1"}, 2, "--split");
    expect({in, "-o", out, "--split", "0.8,0.1,0.2"}, 2, "add up");
    expect({in, "-o", out, "--layout", "zip"}, 2, "--layout");
    expect({in, "-o", out, "--azimuth", "10"}, 2, "--azimuth");
    expect({in, "-o", out, "--azimuth", "50,20"}, 2, "no range of directions");
    expect({in, "-o", out, "--winding", "--parity"}, 2, "--parity");
    expect({folder / "none", "-o", out}, 3, "there is no such file or folder");
    std::filesystem::create_directories(folder / "void");
    expect({folder / "void", "-o", out}, 3, "holds no mesh");
    expect({in, "-o", in + "/ball/a.ply"}, 2, "this is a file");
    EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Prepare, GeneratesShapes) {
    const std::string set = folder / "set";
    const auto o =
        run_nir({"prepare", "--generate", "1", "--families", "vessel,furniture", "-o", set, "--views", "1", "--points",
                 "1000", "--samples", "500", "--view-size", "32", "--surface-points", "800", "--json"});
    ASSERT_EQ(o.code, 0) << o.err;
    expect_clean_stderr(o);
    const auto j = nlohmann::json::parse(o.out);
    EXPECT_EQ(j["classes"], (std::vector<std::string>{"furniture", "vessel"}));
    EXPECT_EQ(j["models"], 2);
    EXPECT_EQ(j["watertight"], 2);
    EXPECT_EQ(j["good"], 2);
    EXPECT_GE(j["parity_agreement_closed"].get<double>(), 0.999);
    EXPECT_EQ(j["options"]["generate"]["per_family"], 1);
    for (const char* family : {"furniture", "vessel"}) {
        const std::filesystem::path model = std::filesystem::path(set) / family / "0000";
        EXPECT_TRUE(std::filesystem::exists(model / "points.npz"));
        EXPECT_TRUE(std::filesystem::exists(model / "points_surface.npz"));
        EXPECT_TRUE(std::filesystem::exists(model / "img_choy2016/000.png"));
        geom::Box3d box;
        const auto mesh = io::read_mesh(model / "mesh.ply");
        EXPECT_GT(mesh.faces.size(), 5000u);
        for (const auto& v : mesh.vertices) box.extend(v);
        EXPECT_NEAR(box.longest_side(), 1, 1e-6);
        EXPECT_LT(norm(box.center()), 1e-6);
    }
}

TEST_F(Prepare, WrongGeneration) {
    const auto expect = [&](std::vector<std::string> arguments, const char* text) {
        arguments.insert(arguments.begin(), {"prepare", "-o", folder / "x"});
        const auto o = run_nir(arguments);
        EXPECT_EQ(o.code, 2) << o.err;
        expect_clean_stderr(o);
        EXPECT_THAT(o.err, HasSubstr(text));
    };
    expect({}, "--generate N");
    expect({"--generate", "0"}, "--generate");
    expect({"--generate", "-3"}, "--generate");
    expect({"--generate", "2", "--families", "vesel"}, "did you mean \"vessel\"?");
    expect({"--generate", "2", "--families", "qqqqqqqqq"}, "there are creature, ");
    expect({"--generate", "2", "--families", "csg,csg"}, "named twice");
    expect({"--generate", "2", "--up", "z"}, "y up already");
    expect({"--families", "csg", folder / "in"}, "goes with --generate");
    expect({folder / "in", "--generate", "2"}, "takes no MESH");
    EXPECT_FALSE(std::filesystem::exists(folder / "x"));
}

TEST_F(Prepare, CtrlCKeepsWhatIsFinished) {
    for (int i = 0; i < 300; ++i) mesh("ball/n" + std::to_string(i) + ".ply");
    RunOptions options;
    options.interrupt_after_s = 3;
    const auto o = run_nir({"prepare", folder / "in", "-o", folder / "set"}, options);
    EXPECT_EQ(o.code, 130) << o.err;
    EXPECT_THAT(o.err, HasSubstr("--resume goes on"));
}

}  // namespace
}  // namespace nir::test
