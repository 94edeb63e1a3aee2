// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir texture: photos and a mesh in, a mesh with their colours out.
#include "nir/io/formats.h"

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

const std::string kSpot = NIR_SOURCE_DIR "/tests/golden/scenes/spot", kPhotos = kSpot + "/transforms_test.json";

TEST(CliTexture, ColoursOfPhotosOnAMesh) {
    const TemporaryFolder folder;
    const auto json = json_of({"texture", kSpot + "/mesh.ply", "--photos", kPhotos, "--split", "all", "-o",
                               folder / "spot.glb", "--side", "256", "--sharpen", "1"});
    EXPECT_GT(json["photos"], 0);
    EXPECT_EQ(json["texture"], 256);
    EXPECT_GT(json["charts"], 5);
    EXPECT_EQ(bytes_of(folder / "spot.glb").substr(0, 4), "glTF");
    json_of({"texture", kSpot + "/mesh.ply", "--photos", kPhotos, "--split", "all", "-o", folder / "spot.ply"});
    const geom::TriMesh mesh = io::read_mesh(folder / "spot.ply");
    EXPECT_EQ(mesh.colors.size(), mesh.vertices.size());
}

TEST(CliTexture, OneSentenceForWhatItCannotUse) {
    const TemporaryFolder folder;
    geom::TriMesh far = io::read_mesh(kSpot + "/mesh.ply");
    for (geom::Vec3d& p : far.vertices) p += {1000, 0, 0};
    io::write_geometry(folder / "far.ply", far);
    struct Case {
        std::vector<std::string> arguments;
        int code;
        const char* says;
    };
    const Case cases[] = {
        {{"texture", folder / "far.ply", "--photos", kPhotos, "--split", "all", "-o", folder / "a.glb"}, 3, "far.ply"},
        {{"texture", kSpot + "/mesh.ply", "--photos", kPhotos, "--split", "val", "-o", folder / "a.glb"},
         3,
         "no val photos"},
        {{"texture", kSpot + "/mesh.ply", "--photos", kPhotos, "--split", "all", "-o", folder / "a.png"}, 2, "a.png"},
        {{"texture", kSpot + "/mesh.ply", "-o", folder / "a.glb"}, 2, "--photos"},
    };
    for (const Case& c : cases) {
        const Outcome o = run_nir(c.arguments);
        EXPECT_EQ(o.code, c.code) << o.err;
        expect_clean_stderr(o);
        EXPECT_THAT(o.err, HasSubstr(c.says));
        EXPECT_FALSE(std::filesystem::exists(folder / "a.glb"));
    }
}

}  // namespace
}  // namespace nir::test
