// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/formats.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

geom::TriMesh tetrahedron() {
    geom::TriMesh m;
    m.vertices = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    m.faces = {{0, 2, 1}, {0, 1, 3}, {1, 2, 3}, {2, 0, 3}};
    m.colors = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 9, 9}};
    return m;
}

TEST(NirInfo, MeshInJsonAndText) {
    const TemporaryFolder folder;
    io::write_geometry(folder / "t.ply", tetrahedron());
    const auto run = run_nir({"info", folder / "t.ply", "--json"});
    ASSERT_EQ(run.code, 0) << run.err;
    expect_clean_stderr(run);
    const auto json = nlohmann::json::parse(run.out);
    EXPECT_EQ(json["kind"], "mesh");
    EXPECT_EQ(json["points"], 4);
    EXPECT_EQ(json["faces"], 4);
    EXPECT_EQ(json["watertight"], true);
    EXPECT_EQ(json["colors"], true);
    EXPECT_EQ(json["normals"], false);
    EXPECT_EQ(json["bounds"]["hi"], nlohmann::json::array({1, 1, 1}));
    EXPECT_NEAR(json["mesh"]["volume"].get<double>(), 1.0 / 6.0, 1e-9);
    EXPECT_TRUE(json["seconds"].contains("read"));
    EXPECT_THAT(run_nir({"info", folder / "t.ply"}).out, HasSubstr("closed, 1 component"));
}

TEST(NirInfo, PointsSayWhatToDoNext) {
    const TemporaryFolder folder;
    std::string text;
    for (int i = 0; i < 20; ++i)
        for (int j = 0; j < 20; ++j)
            text += std::to_string(i) + " " + std::to_string(j) + " " + std::to_string(i * j % 7) + "\n";
    text += "nan 0 0\n";
    const auto run = run_nir({"info", folder.write("a scan.xyz", text), "--json"});
    ASSERT_EQ(run.code, 0) << run.err;
    const auto json = nlohmann::json::parse(run.out);
    EXPECT_EQ(json["points"], 401);
    EXPECT_EQ(json["non_finite"], 1);
    EXPECT_GT(json["spacing"]["nearest"].get<double>(), 0.9);
    EXPECT_THAT(json["suggestion"].get<std::string>(),
                testing::AllOf(HasSubstr("nir reconstruct '"), HasSubstr("a scan.xyz' -o")));
}

TEST(NirInfo, BadFilesEndWithThree) {
    const TemporaryFolder folder;
    const std::vector<std::pair<std::string, std::string>> cases = {
        {folder.write("empty.ply", ""), "empty"},
        {folder.path().string(), "is a directory"},
        {folder / "none.ply", "no such file"},
        {folder.write("huge.ply",
                      "ply\nformat ascii 1.0\nelement vertex 1152921504606846976\nproperty float x\nproperty float y\n"
                      "property float z\nend_header\n"),
         "promised"},
        {folder.write("what.bin", std::string("\x01\x02\x03", 3)), "unknown kind of file"}};
    for (const auto& [path, message] : cases) {
        const auto run = run_nir({"info", path});
        EXPECT_EQ(run.code, 3) << path;
        EXPECT_EQ(run.out, "");
        EXPECT_THAT(run.err, testing::AllOf(HasSubstr(path), HasSubstr(message)));
        expect_clean_stderr(run);
    }
}

TEST(NirConvert, MeshRoundTripAndWhatIsLost) {
    const TemporaryFolder folder;
    io::write_geometry(folder / "t.ply", tetrahedron());
    for (const std::string ending : {"obj", "off", "npz"}) {
        ASSERT_EQ(run_nir({"convert", folder / "t.ply", folder / ("t." + ending)}).code, 0);
        EXPECT_EQ(io::read_mesh(folder / ("t." + ending)).colors, tetrahedron().colors) << ending;
    }
    const auto run = run_nir({"convert", folder / "t.ply", folder / "t.stl", "--json"});
    ASSERT_EQ(run.code, 0) << run.err;
    const auto json = nlohmann::json::parse(run.out);
    EXPECT_EQ(json["from"], "PLY");
    EXPECT_EQ(json["to"], "STL");
    EXPECT_EQ(json["lost"], nlohmann::json::array({"colors"}));
}

TEST(NirConvert, WrongTargets) {
    const TemporaryFolder folder;
    io::write_geometry(folder / "t.ply", tetrahedron());
    const auto image = run_nir({"convert", folder / "t.ply", folder / "t.png"});
    EXPECT_EQ(image.code, 2);
    EXPECT_THAT(image.err, HasSubstr("cannot write a mesh to a .png file"));
    EXPECT_FALSE(std::filesystem::exists(folder / "t.png"));
    const auto points = run_nir({"convert", folder.write("p.xyz", "1 2 3\n4 5 6\n"), folder / "p.stl"});
    EXPECT_EQ(points.code, 3);
    EXPECT_THAT(points.err, HasSubstr("p.xyz: STL holds triangles"));
    EXPECT_FALSE(std::filesystem::exists(folder / "p.stl"));
}

}  // namespace
}  // namespace nir::test
