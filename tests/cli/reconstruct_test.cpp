// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir reconstruct with the model that ships, on shapes whose volume and genus are known on paper.
#include "nir/base/rng.h"
#include "nir/geom/kd_tree.h"
#include "nir/geom/mesh_check.h"
#include "nir/io/npy.h"
#include "nir/io/ply.h"

#include "cli/run_program.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <map>
#include <numbers>
#include <sstream>

namespace nir::test {
namespace {

using geom::Vec3d;
using ::testing::HasSubstr;

constexpr double kPi = std::numbers::pi;

Vec3d random_direction(Rng& rng) { return normalized(Vec3d{rng.normal(), rng.normal(), rng.normal()}); }

geom::PointCloud sphere_scan(std::size_t n, double radius, double noise, Vec3d center = {}) {
    Rng rng(3);
    geom::PointCloud cloud;
    for (std::size_t i = 0; i < n; ++i)
        cloud.points.push_back(center + random_direction(rng) * radius +
                               Vec3d{rng.normal(), rng.normal(), rng.normal()} * noise);
    return cloud;
}

geom::PointCloud torus_scan(std::size_t n, double major, double minor) {
    Rng rng(4);
    geom::PointCloud cloud;
    while (cloud.size() < n) {
        const double u = rng.uniform(0, 2 * kPi), v = rng.uniform(0, 2 * kPi);
        const double ring = major + minor * std::cos(v);
        if (rng.uniform() * (major + minor) > ring) continue;  // uniform by area
        cloud.points.push_back({ring * std::cos(u), ring * std::sin(u), minor * std::sin(v)});
    }
    return cloud;
}

std::string save(const TemporaryFolder& folder, const std::string& name, const geom::PointCloud& cloud) {
    const std::string path = folder / name;
    io::write_ply(path, cloud);
    return path;
}

TEST(Reconstruct, TurnsTheSampleIntoAClosedMeshWithAPicture) {
    const TemporaryFolder folder;
    const auto j = run_json({"reconstruct", NIR_SOURCE_DIR "/data/sample/spot.ply", "-o", folder / "spot.ply",
                             "--preview", folder / "spot.png", "--json"});
    EXPECT_EQ(j["points"], 3000);
    EXPECT_TRUE(j["watertight"].get<bool>());
    EXPECT_EQ(j["components"], 1);
    EXPECT_EQ(j["genus"], 0);
    EXPECT_LT(j["residual"]["mean"].get<double>(), 0.006);  // noise of 0.005 per coordinate
    for (const char* phase : {"read", "normalize", "encode", "query", "extract", "refine", "write", "render", "total"})
        EXPECT_TRUE(j["seconds"].contains(phase)) << phase;
    const geom::TriMesh mesh = io::to_mesh(io::read_ply(std::filesystem::path(folder / "spot.ply")));
    const auto report = geom::check_mesh(mesh);
    EXPECT_TRUE(report.watertight() && report.manifold() && report.outward) << report.summary();
    EXPECT_NEAR(report.signed_volume, 0.12257, 0.05 * 0.12257);
    EXPECT_THAT(bytes_of(folder / "spot.png"), HasSubstr("PNG"));
}

TEST(Reconstruct, GivesGeoReferencedCoordinatesBack) {
    const TemporaryFolder folder;
    const Vec3d center{512345.25, 5403210.75, 433.5};
    const std::string scan = save(folder, "geo.ply", sphere_scan(4000, 2.0, 0.01, center));
    const auto j = run_json({"reconstruct", scan, "-o", folder / "out.ply", "--json"});
    EXPECT_TRUE(j["watertight"].get<bool>());
    const geom::TriMesh mesh = io::to_mesh(io::read_ply(std::filesystem::path(folder / "out.ply")));
    double mean = 0;
    for (const auto& v : mesh.vertices) mean += norm(v - center) / static_cast<double>(mesh.vertices.size());
    EXPECT_NEAR(mean, 2.0, 0.02);
    double worst = 0;
    for (const auto& v : mesh.vertices) worst = std::max(worst, std::abs(norm(v - center) - 2.0));
    EXPECT_LT(worst, 0.1);
}

TEST(Reconstruct, KeepsTheHoleOfATorus) {
    const TemporaryFolder folder;
    const auto j = run_json(
        {"reconstruct", save(folder, "torus.ply", torus_scan(5000, 1.0, 0.3)), "-o", folder / "out.ply", "--json"});
    EXPECT_TRUE(j["watertight"].get<bool>());
    EXPECT_EQ(j["genus"], 1);
    const auto report = geom::check_mesh(io::to_mesh(io::read_ply(std::filesystem::path(folder / "out.ply"))));
    const double volume = 2 * kPi * kPi * 1.0 * 0.3 * 0.3;
    EXPECT_NEAR(report.signed_volume, volume, 0.04 * volume);
}

TEST(Reconstruct, IsNotMovedByFarOutliers) {
    const TemporaryFolder folder;
    geom::PointCloud cloud = sphere_scan(3000, 1.0, 0.005);
    Rng rng(5);
    for (int i = 0; i < 10; ++i) cloud.points.push_back(random_direction(rng) * rng.uniform(50, 500));
    const auto j = run_json({"reconstruct", save(folder, "s.ply", cloud), "-o", folder / "out.ply", "--json"});
    EXPECT_TRUE(j["watertight"].get<bool>());
    EXPECT_EQ(j["components"], 1);
    EXPECT_FALSE(j["warnings"].empty());
    const auto report = geom::check_mesh(io::to_mesh(io::read_ply(std::filesystem::path(folder / "out.ply"))));
    EXPECT_NEAR(report.signed_volume, 4.0 / 3.0 * kPi, 0.04 * 4.0 / 3.0 * kPi);
}

TEST(Reconstruct, CarriesColoursOver) {
    const TemporaryFolder folder;
    geom::PointCloud cloud = sphere_scan(3000, 1.0, 0.0);
    for (const auto& p : cloud.points)
        cloud.colors.push_back(p.x > 0 ? geom::Rgb8{250, 10, 10} : geom::Rgb8{10, 10, 250});
    run_json({"reconstruct", save(folder, "s.ply", cloud), "-o", folder / "out.ply", "--json"});
    const geom::TriMesh mesh = io::to_mesh(io::read_ply(std::filesystem::path(folder / "out.ply")));
    ASSERT_EQ(mesh.colors.size(), mesh.vertices.size());
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
        const double x = mesh.vertices[i].x;
        if (std::abs(x) > 0.2) {
            EXPECT_EQ(x > 0, mesh.colors[i].r > mesh.colors[i].b);
        }
    }
}

TEST(Reconstruct, RepeatsItsBytesWhateverTheThreads) {
    const TemporaryFolder folder;
    const std::string scan = save(folder, "s.ply", torus_scan(1500, 1.0, 0.35));
    for (const char* threads : {"1", "2", "3"})
        run_json({"reconstruct", scan, "-o", folder / threads + ".ply", "--threads", threads, "--json"});
    EXPECT_TRUE(bytes_of(folder / "1.ply") == bytes_of(folder / "2.ply"));
    EXPECT_TRUE(bytes_of(folder / "1.ply") == bytes_of(folder / "3.ply"));
}

TEST(Reconstruct, FitsTheSurfaceOfDenseScans) {
    const TemporaryFolder folder;
    const std::string scan = save(folder, "t.ply", torus_scan(60000, 1.0, 0.3));
    const auto j = run_json({"reconstruct", scan, "-o", folder / "1.ply", "--threads", "1", "--json"});
    EXPECT_TRUE(j["fitted"].get<bool>());
    EXPECT_TRUE(j["watertight"].get<bool>());
    EXPECT_EQ(j["genus"], 1);
    EXPECT_LT(j["residual"]["p95"].get<double>(), 0.05 * j["point_spacing"].get<double>());
    const auto report = geom::check_mesh(io::to_mesh(io::read_ply(std::filesystem::path(folder / "1.ply"))));
    const double volume = 2 * kPi * kPi * 1.0 * 0.3 * 0.3;
    EXPECT_NEAR(report.signed_volume, volume, 0.003 * volume);
    run_json({"reconstruct", scan, "-o", folder / "3.ply", "--threads", "3", "--json"});
    EXPECT_TRUE(bytes_of(folder / "1.ply") == bytes_of(folder / "3.ply"));
}

TEST(Reconstruct, DetailIsChosenByHand) {
    const TemporaryFolder folder;
    const std::string scan = save(folder, "s.ply", sphere_scan(3000, 1.0, 0.0));
    const auto learned = run_json({"reconstruct", scan, "-o", folder / "l.ply", "--json"});
    const auto fitted = run_json({"reconstruct", scan, "-o", folder / "f.ply", "--detail", "fitted", "--json"});
    EXPECT_FALSE(learned["fitted"].get<bool>());
    EXPECT_TRUE(fitted["fitted"].get<bool>());
    EXPECT_TRUE(fitted["watertight"].get<bool>());
    EXPECT_LT(fitted["octaves"].get<int>(), learned["octaves"].get<int>());
}

TEST(Reconstruct, TrimsToWhatWasSeen) {
    const TemporaryFolder folder;
    geom::PointCloud cloud = sphere_scan(6000, 1.0, 0.0);
    std::erase_if(cloud.points, [](const Vec3d& p) { return p.z > 0.3; });
    const std::string scan = save(folder, "bowl.ply", cloud);
    const auto closed = run_json({"reconstruct", scan, "-o", folder / "closed.ply", "--json"});
    const auto open = run_json({"reconstruct", scan, "-o", folder / "open.ply", "--trim", "auto", "--json"});
    EXPECT_TRUE(closed["watertight"].get<bool>());
    EXPECT_FALSE(open["watertight"].get<bool>());
    EXPECT_LT(open["faces"].get<int>(), closed["faces"].get<int>());
    const geom::TriMesh mesh = io::to_mesh(io::read_ply(std::filesystem::path(folder / "open.ply")));
    const auto report = geom::check_mesh(mesh);
    EXPECT_TRUE(report.manifold() && report.oriented) << report.summary();
    // No hole among the points: borders lie at the rim, or on what closed the bowl from within.
    std::map<std::pair<std::uint32_t, std::uint32_t>, int> edges;
    for (const auto& f : mesh.faces)
        for (std::size_t i = 0; i < 3; ++i) ++edges[std::minmax(f[i], f[(i + 1) % 3])];
    for (const auto& [edge, faces] : edges)
        if (const Vec3d p = mesh.vertices[edge.first]; faces == 1 && std::abs(norm(p) - 1) < 0.05) {
            EXPECT_GT(p.z, 0.2);
        }
    ASSERT_EQ(mesh.confidence.size(), mesh.vertices.size());
    const double spacing = open["point_spacing"].get<double>(), limit = 2.501 * spacing;
    const geom::KdTree tree(cloud.points);
    double seen = 0, n_seen = 0;
    for (std::size_t v = 0; v < mesh.vertices.size(); ++v) {
        const Vec3d p = mesh.vertices[v];
        if (p.z > 0.3) {
            EXPECT_LT(norm(p - normalized(Vec3d{p.x, p.y, 0}) * std::sqrt(1 - 0.09) - Vec3d{0, 0, 0.3}), 1.5 * limit);
        }
        // No more than the distance allows, where it is taken in spacings of the scan (the local one counts farther
        // out).
        const double d = std::sqrt(tree.nearest(p).squared_distance) / spacing;
        if (d <= 1) {
            EXPECT_LE(mesh.confidence[v], std::exp(-d * d / 4) + 1e-3);
        }
        if (p.z < 0.2) seen += static_cast<double>(mesh.confidence[v]), ++n_seen;
        EXPECT_LE(mesh.confidence[v], 1.0f);
        EXPECT_GE(mesh.confidence[v], 0.0f);
    }
    EXPECT_GT(seen, 0.85 * n_seen);
}

/// A room without ceiling, seen from its middle: floor and four walls of 2 x 2 x 1.
geom::PointCloud room_scan(std::size_t n) {
    Rng rng(6);
    geom::PointCloud cloud;
    for (std::size_t i = 0; i < n; ++i) {
        const double u = rng.uniform(-1, 1), v = rng.uniform(-1, 1), h = rng.uniform(0, 1);
        const double wall = rng.uniform() < 0.5 ? -1 : 1;
        const auto part = rng.below(3);
        cloud.points.push_back(part == 0 ? Vec3d{u, v, 0} : part == 1 ? Vec3d{wall, v, h} : Vec3d{u, wall, h});
        cloud.sensors.push_back({0.1, 0, 0.6});
    }
    return cloud;
}

TEST(Reconstruct, SensorsTurnWallsToWhereTheyWereSeenFrom) {
    const TemporaryFolder folder;
    const std::string scan = save(folder, "room.ply", room_scan(20000));
    const auto j =
        run_json({"reconstruct", scan, "-o", folder / "out.ply", "--trim", "auto", "--detail", "fitted", "--json"});
    EXPECT_EQ(j["sensors"], 1);
    const geom::TriMesh mesh = io::to_mesh(io::read_ply(std::filesystem::path(folder / "out.ply")));
    double area = 0, seen = 0;
    for (const auto& f : mesh.faces) {
        const Vec3d a = mesh.vertices[f[0]], b = mesh.vertices[f[1]], c = mesh.vertices[f[2]];
        const Vec3d normal = cross(b - a, c - a);
        area += norm(normal) / 2;
        if (dot(normal, Vec3d{0.1, 0, 0.6} - a) > 0) seen += norm(normal) / 2;
    }
    EXPECT_GT(seen, 0.97 * area);
    EXPECT_NEAR(area, 12, 1.5);  // one side of each wall
}

TEST(Reconstruct, SensorsHaveToFitTheScan) {
    const TemporaryFolder folder;
    geom::PointCloud cloud = sphere_scan(500, 1.0, 0.0);
    const std::string scan = save(folder, "s.ply", cloud);
    io::TensorFile file;
    file.arrays.push_back(io::NamedArray::from("sensors", {499, 3}, std::vector<float>(3 * 499)));
    io::write_npz(std::filesystem::path(folder / "sensors.npz"), file);
    const Outcome o = run_nir({"reconstruct", scan, "-o", folder / "out.ply", "--sensors", folder / "sensors.npz"});
    EXPECT_EQ(o.code, 3);
    expect_clean_stderr(o);
    EXPECT_THAT(o.err, HasSubstr("sensors.npz"));
    EXPECT_THAT(o.err, HasSubstr("sensors for 499 points, but the scan has 500 points"));
    EXPECT_FALSE(std::filesystem::exists(folder / "out.ply"));
}

struct BadInput {
    const char* name;
    std::string bytes;
    const char* says;
};

class ReconstructBadInput : public ::testing::TestWithParam<BadInput> {};

TEST_P(ReconstructBadInput, EndsWithOneSentenceAndWritesNothing) {
    const TemporaryFolder folder;
    const std::string scan = folder.write(GetParam().name, GetParam().bytes);
    const Outcome o = run_nir({"reconstruct", scan, "-o", folder / "out.ply"});
    EXPECT_EQ(o.code, 3) << o.err;
    expect_clean_stderr(o);
    EXPECT_THAT(o.err, HasSubstr(GetParam().name));
    EXPECT_THAT(o.err, HasSubstr(GetParam().says));
    EXPECT_FALSE(std::filesystem::exists(folder / "out.ply"));
}

std::string lines(int n, const char* format) {
    std::string out;
    for (int i = 0; i < n; ++i) out += fmt::format(fmt::runtime(format), i, i * 0.5);
    return out;
}

INSTANTIATE_TEST_SUITE_P(
    Files, ReconstructBadInput,
    ::testing::Values(BadInput{"empty.ply", "", "empty"}, BadInput{"empty.xyz", "", "empty"},
                      BadInput{"one.xyz", "1 2 3\n", "single point"},
                      BadInput{"same.xyz", lines(50, "1 2 3\n"), "point"},
                      BadInput{"line.xyz", lines(100, "{0} {1} 0\n"), "line"},
                      BadInput{"nan.xyz", lines(20, "nan nan nan\n"), "finite"},
                      BadInput{"text.ply", "this is no scan\n", "PLY"},
                      BadInput{"huge.ply",
                               "ply\nformat binary_little_endian 1.0\nelement vertex 1152921504606846976\nproperty "
                               "float x\nproperty float y\nproperty float z\nend_header\n",
                               "1152921504606846976"},
                      BadInput{"cut.ply",
                               "ply\nformat binary_little_endian 1.0\nelement vertex 100\nproperty float x\nproperty "
                               "float y\nproperty float z\nend_header\nabc",
                               "100"}),
    [](const auto& instance) {
        std::string name = instance.param.name;
        std::replace(name.begin(), name.end(), '.', '_');
        return name;
    });

TEST(Reconstruct, NamesWhatIsWrongWithPaths) {
    const TemporaryFolder folder;
    const std::string scan = save(folder, "s.ply", sphere_scan(500, 1.0, 0.0));
    const struct {
        std::vector<std::string> arguments;
        int code;
    } cases[] = {
        {{"reconstruct", folder / "missing.ply", "-o", folder / "out.ply"}, 3},
        {{"reconstruct", folder.path().string(), "-o", folder / "out.ply"}, 3},
        {{"reconstruct", scan, "-o", folder / "no_such_folder/out.ply"}, 3},
        {{"reconstruct", scan, "-o", folder / "out.doc"}, 2},
        {{"reconstruct", scan}, 2},
        {{"reconstruct", scan, "-o", folder / "out.ply", "--model", "no_such_model"}, 2},
        {{"reconstruct", scan, "-o", folder / "out.ply", "--model", scan}, 3},
        {{"reconstruct", scan, "-o", folder / "out.ply", "--trim", "far"}, 2},
        {{"reconstruct", scan, "-o", folder / "out.ply", "--level", "1.5"}, 2},
        {{"reconstruct", scan, "-o", folder / "out.ply", "--resolution", "-3"}, 2},
    };
    for (const auto& c : cases) {
        const Outcome o = run_nir(c.arguments);
        EXPECT_EQ(o.code, c.code) << fmt::format("{}", fmt::join(c.arguments, " ")) << "\n" << o.err;
        expect_clean_stderr(o);
        EXPECT_FALSE(std::filesystem::exists(folder / "out.ply"));
    }
}

}  // namespace
}  // namespace nir::test
