// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/mesh_check.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>

namespace nir::test {
namespace {

using ::testing::HasSubstr;

/// 25^3 samples of a ball around (12, 12, 12); positive inside.
io::NamedArray ball(double radius) {
    std::vector<float> v;
    for (int x = 0; x < 25; ++x) {
        for (int y = 0; y < 25; ++y) {
            for (int z = 0; z < 25; ++z)
                v.push_back(static_cast<float>(radius - geom::norm(geom::Vec3d{x - 12.0, y - 12.0, z - 12.0})));
        }
    }
    return io::NamedArray::from("values", {25, 25, 25}, v);
}

double ball_volume(double r) { return 4.0 / 3.0 * std::numbers::pi * r * r * r; }

TEST(NirExtract, VolumeToMeshInTheUsersCoordinates) {
    const TemporaryFolder folder;
    io::write_npy(folder / "ball.npy", ball(8));
    const auto run = run_nir({"extract", folder / "ball.npy", "-o", folder / "ball.ply", "--spacing", "0.5", "--origin",
                              "1000000", "2", "3", "--json"});
    ASSERT_EQ(run.code, 0) << run.err;
    expect_clean_stderr(run);
    const auto json = nlohmann::json::parse(run.out);
    EXPECT_EQ(json["watertight"], true);
    EXPECT_EQ(json["queried_points"], 0);
    EXPECT_TRUE(json["seconds"].contains("extract") && json["seconds"].contains("read") &&
                json["seconds"].contains("write"));
    const auto mesh = io::read_mesh(folder / "ball.ply");
    EXPECT_EQ(json["vertices"], mesh.vertices.size());
    EXPECT_EQ(json["faces"], mesh.faces.size());
    const auto report = geom::check_mesh(mesh);
    EXPECT_TRUE(report.outward && report.manifold());
    EXPECT_NEAR(report.signed_volume, ball_volume(4), 0.02 * ball_volume(4));
    for (const auto& p : mesh.vertices) {
        EXPECT_NEAR(geom::norm(p - geom::Vec3d{1000006, 8, 9}), 4, 0.02);
    }
    EXPECT_EQ(mesh.normals.size(), mesh.vertices.size());
}

TEST(NirExtract, ResamplesByMiseAndWritesTheLattice) {
    const TemporaryFolder folder;
    io::write_npy(folder / "ball.npy", ball(8));
    const auto run =
        run_nir({"extract", folder / "ball.npy", "-o", folder / "ball.obj", "--resolution-0", "12", "--upsampling", "2",
                 "--values", folder / "grid.npy", "--origin", "4000000", "0", "0", "--json"});
    ASSERT_EQ(run.code, 0) << run.err;
    const auto json = nlohmann::json::parse(run.out);
    EXPECT_EQ(json["rounds"][0], 13 * 13 * 13);
    EXPECT_EQ(json["rounds"].size(), 3u);
    EXPECT_LT(json["queried_points"], 49 * 49 * 49 / 2);
    EXPECT_TRUE(json["seconds"].contains("query") && json["seconds"].contains("refine"));
    const auto grid = io::read_voxel_grid(folder / "grid.npy");
    EXPECT_EQ(grid.size, (geom::Vec3i{49, 49, 49}));
    EXPECT_NEAR(grid.values[grid.index(24, 24, 24)], 8, 1e-5);
    const auto mesh = io::read_mesh(folder / "ball.obj");
    EXPECT_TRUE(geom::check_mesh(mesh).outward);
    for (const auto& p : mesh.vertices) EXPECT_NEAR(geom::norm(p - geom::Vec3d{4000012, 12, 12}), 8, 0.05);
    const auto dense = run_nir(
        {"extract", folder / "ball.npy", "-o", folder / "dense.obj", "--resolution-0", "12", "--dense", "--json"});
    ASSERT_EQ(dense.code, 0) << dense.err;
    EXPECT_EQ(nlohmann::json::parse(dense.out)["queried_points"], 49 * 49 * 49);
}

TEST(NirExtract, LevelAndSide) {
    const TemporaryFolder folder;
    auto distances = ball(8).to_float();
    for (auto& v : distances) v = -v;
    io::write_npy(folder / "sdf.npy", io::NamedArray::from("values", {25, 25, 25}, distances));
    const auto run =
        run_nir({"extract", folder / "sdf.npy", "-o", folder / "a.stl", "--inside-below", "--level", "1", "--json"});
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_NEAR(nlohmann::json::parse(run.out)["volume"].get<double>(), ball_volume(9), 0.02 * ball_volume(9));
}

TEST(NirExtract, SaysWhyThereIsNoSurfaceAndWritesNothing) {
    const TemporaryFolder folder;
    io::write_npy(folder / "ball.npy", ball(8));
    const auto run = run_nir({"extract", folder / "ball.npy", "-o", folder / "none.ply", "--level", "20"});
    EXPECT_EQ(run.code, 4);
    expect_clean_stderr(run);
    EXPECT_THAT(run.err, HasSubstr("no surface at level 20"));
    EXPECT_FALSE(std::filesystem::exists(folder / "none.ply"));
}

TEST(NirExtract, RefusesBadInput) {
    const TemporaryFolder folder;
    auto values = ball(8).to_float();
    values[3] = std::nanf("");
    io::write_npy(folder / "nan.npy", io::NamedArray::from("values", {25, 25, 25}, values));
    io::write_npy(folder / "flat.npy", io::NamedArray::from("values", {625, 25}, values));
    io::write_npy(folder / "ball.npy", ball(8));
    const auto mesh = folder / "out.ply";
    const auto expect = [&](int code, const char* text, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "extract");
        const auto run = run_nir(arguments);
        EXPECT_EQ(run.code, code) << run.err;
        expect_clean_stderr(run);
        EXPECT_THAT(run.err, HasSubstr(text));
        EXPECT_FALSE(std::filesystem::exists(mesh));
    };
    expect(3, "not a number at sample (0, 0, 3)", {folder / "nan.npy", "-o", mesh});
    expect(3, "flat.npy", {folder / "flat.npy", "-o", mesh});
    expect(3, "missing.npy", {folder / "missing.npy", "-o", mesh});
    expect(3, "spacing", {folder / "ball.npy", "-o", mesh, "--spacing", "0"});
    expect(2, "--spacing", {folder / "ball.npy", "-o", mesh, "--spacing", "1", "2"});
    expect(2, "--input", {folder / "ball.npy", "-o", mesh, "--input", folder / "ball.npy"});
    expect(2, "--resolution-0", {folder / "ball.npy", "-o", mesh, "--resolution-0", "0"});
    expect(2, "--input", {NIR_SOURCE_DIR "/models/cascade.safetensors", "-o", mesh});
    expect(3, "no run", {folder.path().string(), "-o", mesh});
}

}  // namespace
}  // namespace nir::test
