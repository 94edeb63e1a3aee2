// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir reconstruct by windows: limits, interruptions, several processes.
#include "nir/base/rng.h"
#include "nir/geom/kd_tree.h"
#include "nir/geom/mesh_check.h"
#include "nir/io/ply.h"

#include "cli/run_program.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>
#include <thread>

namespace nir::test {
namespace {

using geom::Vec3d;
using ::testing::HasSubstr;

/// A ring of 20,000 points in millimetres, far from the origin.
std::string ring_scan(const TemporaryFolder& folder) {
    Rng rng(4);
    geom::PointCloud cloud;
    while (cloud.size() < 20000) {
        const double u = rng.uniform(0, 2 * std::numbers::pi), v = rng.uniform(0, 2 * std::numbers::pi);
        const double r = 300 + 90 * std::cos(v);
        if (rng.uniform() * 390 > r) continue;  // uniform by area
        cloud.points.push_back(Vec3d{5000, -200, 70} + Vec3d{r * std::cos(u), r * std::sin(u), 90 * std::sin(v)});
    }
    const std::string path = folder / "ring.ply";
    io::write_ply(path, cloud);
    return path;
}

nlohmann::json reconstruct(std::vector<std::string> arguments, const std::vector<std::string>& environment = {}) {
    arguments.insert(arguments.begin(), "reconstruct");
    arguments.insert(arguments.end(), {"--json", "-q", "--threads", "1"});
    RunOptions options;
    options.environment = environment;
    const Outcome o = run_nir(arguments, options);
    EXPECT_EQ(o.code, 0) << o.err;
    return o.code == 0 && o.out.starts_with("{") ? nlohmann::json::parse(o.out) : nlohmann::json::object();
}

TEST(WindowsVerb, WorkFolderMemoryAndRanksGiveOneMesh) {
    const TemporaryFolder folder;
    const std::string scan = ring_scan(folder), plain = folder / "plain.ply", again = folder / "again.ply";
    const auto first = reconstruct({scan, "-o", plain, "--work-dir", folder / "work"});
    EXPECT_TRUE(first["watertight"]);
    EXPECT_EQ(first["genus"], 1);
    EXPECT_GE(first["windows"], 2);
    EXPECT_EQ(first["resumed_windows"], 0);
    const auto second = reconstruct({scan, "-o", again, "--work-dir", folder / "work"});
    EXPECT_EQ(second["resumed_windows"], second["windows"]);
    EXPECT_TRUE(bytes_of(plain) == bytes_of(again));

    const auto limited = reconstruct({scan, "-o", again, "--max-memory", "4G"});
    EXPECT_EQ(limited["vertices"], first["vertices"]);
    EXPECT_LT(limited["peak_memory_bytes"], std::size_t{4} << 30);

    const std::string shared = folder / "ranks.ply", work = folder / "shared";
    std::thread other([&] { reconstruct({scan, "-o", shared, "--work-dir", work}, {"RANK=1", "WORLD_SIZE=2"}); });
    const auto ranked = reconstruct({scan, "-o", shared, "--work-dir", work}, {"RANK=0", "WORLD_SIZE=2"});
    other.join();
    EXPECT_EQ(ranked["vertices"], first["vertices"]);
    EXPECT_TRUE(bytes_of(plain) == bytes_of(shared));
}

TEST(WindowsVerb, TrimsAndGivesConfidenceAsInOneGo) {
    // The outer half of a torus: the inner one has no points.
    const TemporaryFolder folder;
    geom::PointCloud cloud;
    Rng rng(11);
    while (cloud.size() < 20000) {
        const double u = rng.uniform(0, 2 * std::numbers::pi), v = rng.uniform(-0.5, 0.5) * std::numbers::pi;
        const double r = 3 + 0.9 * std::cos(v);
        if (rng.uniform() * 3.9 <= r) cloud.points.push_back({r * std::cos(u), r * std::sin(u), 0.9 * std::sin(v)});
    }
    const std::string scan = folder / "half.ply";
    io::write_ply(scan, cloud);
    std::vector<nlohmann::json> made;
    std::vector<geom::TriMesh> meshes;
    for (const std::string name : {"whole", "windows"}) {
        std::vector<std::string> options{scan, "-o", folder / name + ".ply", "--trim", "auto", "--detail", "fitted"};
        if (name == "windows") options.insert(options.end(), {"--work-dir", folder / "work"});
        made.push_back(reconstruct(options));
        meshes.push_back(io::to_mesh(io::read_ply(std::filesystem::path(folder / name + ".ply"))));
    }
    const double spacing = made[0]["point_spacing"].get<double>();
    const geom::KdTree tree(cloud.points);
    std::vector<double> mean, area;
    for (const auto& mesh : meshes) {
        const auto report = geom::check_mesh(mesh);
        EXPECT_TRUE(report.manifold() && report.oriented) << report.summary();
        EXPECT_GT(report.boundary_edges, 0u);
        ASSERT_EQ(mesh.confidence.size(), mesh.vertices.size());
        double sum = 0;
        for (std::size_t v = 0; v < mesh.vertices.size(); ++v) {
            // 2.5 local spacings: at the rim those are up to a half larger than that of the scan.
            EXPECT_LT(tree.nearest(mesh.vertices[v]).squared_distance, 14 * spacing * spacing);
            sum += static_cast<double>(mesh.confidence[v]);
        }
        mean.push_back(sum / static_cast<double>(mesh.vertices.size()));
        area.push_back(report.area);
    }
    EXPECT_GT(mean[0], 0.85);
    EXPECT_NEAR(mean[0], mean[1], 0.03);
    EXPECT_NEAR(area[0], area[1], 0.02 * area[0]);
}

TEST(WindowsVerb, PointsThatDoNotFitLieOnTheDisk) {
    // 20,000 points take a megabyte: this limit lies between what is needed with them and without.
    constexpr std::size_t kLimit = 480600000;
    const TemporaryFolder folder;
    const std::string scan = ring_scan(folder), mesh = folder / "mesh.ply", limit = std::to_string(kLimit);
    const auto memory = reconstruct({scan, "-o", mesh, "--max-memory", "482M"});
    EXPECT_FALSE(memory["points_on_disk"]);
    const auto disk = reconstruct({scan, "-o", mesh, "--max-memory", limit});
    EXPECT_TRUE(disk["points_on_disk"]);
    EXPECT_LT(disk["peak_memory_bytes"], kLimit);
    for (const char* name : {"points", "vertices", "faces", "watertight", "genus", "point_spacing", "point_noise"})
        EXPECT_EQ(disk[name], memory[name]) << name;
    // A file that ends in the middle of its points: one sentence, and nothing stays.
    std::filesystem::resize_file(scan, std::filesystem::file_size(scan) - 5000);
    std::filesystem::remove(mesh);
    const Outcome o = run_nir({"reconstruct", scan, "-o", mesh, "--max-memory", limit, "-q"});
    EXPECT_EQ(o.code, 3) << o.err;
    EXPECT_THAT(o.err, HasSubstr("ring.ply: 20000 \"vertex\" elements promised"));
    const Outcome learned =
        run_nir({"reconstruct", ring_scan(folder), "-o", mesh, "--max-memory", limit, "-q", "--detail", "learned"});
    EXPECT_EQ(learned.code, 2) << learned.err;
    EXPECT_THAT(learned.err, HasSubstr("--detail learned"));
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder / "")) ++files;
    EXPECT_EQ(files, 1u);
}

TEST(WindowsVerb, CtrlCEndsWithinASecondAndLeavesNothing) {
    const TemporaryFolder folder;
    Rng rng(4);
    geom::PointCloud cloud;
    for (int i = 0; i < 600000; ++i) {
        const double u = rng.uniform(0, 2 * std::numbers::pi), v = rng.uniform(0, 2 * std::numbers::pi);
        const double r = 3 + std::cos(v);
        cloud.points.push_back({r * std::cos(u), r * std::sin(u), std::sin(v)});
    }
    const std::string scan = folder / "ring.ply", mesh = folder / "mesh.ply";
    io::write_ply(scan, cloud);
    for (const char* limit : {"500M", "4G"}) {  // on disk, in memory
        for (const double seconds : {0.5, 1.0, 2.0}) {
            RunOptions options;
            options.interrupt_after_s = seconds;
            const auto begin = std::chrono::steady_clock::now();
            const Outcome o =
                run_nir({"reconstruct", scan, "-o", mesh, "--trim", "auto", "--max-memory", limit}, options);
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
            EXPECT_EQ(o.code, 130) << o.err;
            EXPECT_THAT(o.err, HasSubstr("stopped"));
            expect_clean_stderr(o);
            EXPECT_LT(took.count(), seconds + 5) << "a second, on a machine with other work";
            std::size_t files = 0;
            for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++files;
            EXPECT_EQ(files, 1u);
        }
    }
}

TEST(WindowsVerb, SaysWhatDoesNotGo) {
    const TemporaryFolder folder;
    const std::string scan = ring_scan(folder), mesh = folder / "mesh.ply";
    const auto refused = [&](std::vector<std::string> options, const std::vector<std::string>& environment, int code,
                             const std::string& text) {
        options.insert(options.begin(), {"reconstruct", scan, "-o", mesh});
        RunOptions how;
        how.environment = environment;
        const Outcome o = run_nir(options, how);
        EXPECT_EQ(o.code, code) << o.err;
        EXPECT_THAT(o.err, HasSubstr(text));
        expect_clean_stderr(o);
    };
    refused({"--max-memory", "100M"}, {}, 2, "is too little");
    refused({"--max-memory", "much"}, {}, 2, "write a size like");
    refused({"--max-memory", "2G", "--refine-steps", "3"}, {}, 2, "take one of them");
    refused({}, {"RANK=0", "WORLD_SIZE=2"}, 2, "--work-dir");
    refused({"--work-dir", folder / "w"}, {"RANK=2", "WORLD_SIZE=2"}, 2, "do not fit");
    std::filesystem::create_directories(folder.path() / "other");
    folder.write("other/windows.txt", "something else\n");
    refused({"--work-dir", folder / "other"}, {}, 3, "belongs to another scan");
}

}  // namespace
}  // namespace nir::test
