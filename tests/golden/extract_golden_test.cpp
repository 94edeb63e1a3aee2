// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// MISE and Marching Cubes against meshes, grids and counts of the papers' code (tests/golden/extract/README.md).
#include "nir/extract/extract_mesh.h"
#include "nir/extract/grid_field.h"
#include "nir/extract/marching_cubes.h"
#include "nir/extract/mise.h"
#include "nir/io/npy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <ostream>

namespace nir::extract {
namespace {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

/// The file in the tree, or in the optional folder of larger fixtures; empty if it is in neither.
std::filesystem::path find_fixture(const std::string& name) {
    const std::filesystem::path root(NIR_SOURCE_DIR);
    const char* shared = std::getenv("NIR_SHARED");
    for (const auto& folder :
         {root / "tests/golden/extract", (shared ? std::filesystem::path(shared) : root / "../shared") / "fixtures"}) {
        if (std::filesystem::exists(folder / (name + ".npz"))) return folder / (name + ".npz");
    }
    return {};
}

/// A torus and a sphere joined by a smooth minimum; positive inside.
double analytic_logit(Vec3d p) {
    const double x = p.x + 0.05, z = p.z + 0.08;
    const double ring = std::sqrt(x * x + z * z) - 0.27;
    const double d1 = std::sqrt(ring * ring + p.y * p.y) - 0.09;
    const double d2 = geom::norm(p - Vec3d{0.16, 0.14, 0.20}) - 0.15;
    const double k = 0.08, h = std::clamp(0.5 + 0.5 * (d2 - d1) / k, 0.0, 1.0);
    return -25 * (d2 * (1 - h) + d1 * h - k * h * (1 - h));
}

struct Case {
    const char* name;
    bool ties;
    double threshold;

    friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }
    float logit(Vec3f p) const {
        const double v = analytic_logit(Vec3d(p));
        return static_cast<float>(ties ? std::nearbyint(v * 2) / 2 : v);
    }
    double level() const { return std::log(threshold) - std::log(1 - threshold); }
};

std::vector<Vec3d> to_points(const io::NamedArray& a) {
    const auto v = a.to_double();
    std::vector<Vec3d> points(v.size() / 3);
    for (std::size_t i = 0; i < points.size(); ++i) points[i] = {v[3 * i], v[3 * i + 1], v[3 * i + 2]};
    return points;
}

std::vector<geom::Triangle> to_faces(const io::NamedArray& a) {
    const auto v = a.to_int64();
    std::vector<geom::Triangle> faces(v.size() / 3);
    for (std::size_t i = 0; i < v.size(); ++i) faces[i / 3][i % 3] = static_cast<std::uint32_t>(v[i]);
    return faces;
}

void expect_same_mesh(const geom::TriMesh& mesh, const io::TensorFile& file, double tolerance) {
    const auto vertices = to_points(file.at("vertices"));
    ASSERT_EQ(mesh.vertices.size(), vertices.size());
    double worst = 0;
    for (std::size_t i = 0; i < vertices.size(); ++i)
        worst = std::max(worst, geom::norm(vertices[i] - mesh.vertices[i]));
    EXPECT_LT(worst, tolerance);
    EXPECT_EQ(mesh.faces, to_faces(file.at("faces")));
}

/// The settings of the papers' code for a box of side 1.1 around the origin.
MarchingCubesOptions papers_options(int samples, double level) {
    const double h = 1.1 / (samples - 1);
    return {.level = level, .pad_value = -1e6, .clamp = 0, .origin = {-0.55, -0.55, -0.55}, .spacing = {h, h, h}};
}

class PapersMesh : public testing::TestWithParam<Case> {};

TEST_P(PapersMesh, IsReproduced) {
    const Case& c = GetParam();
    const auto path = find_fixture(c.name);
    if (path.empty()) GTEST_SKIP() << "needs the folder of larger fixtures";
    const auto file = io::read_npz(path);
    const auto resolution_0 = static_cast<int>(file.at("resolution0").to_int64().at(0));
    const auto depth = static_cast<int>(file.at("upsampling_steps").to_int64().at(0));
    const double level = c.level();
    const auto counts = file.at("eval_counts").to_int64();

    Mise<double> mise({.cells = {resolution_0, resolution_0, resolution_0}, .depth = depth, .level = level});
    const int n = mise.size().x;
    const auto coordinate = [&](int i) {
        return 1.1f * (static_cast<float>(i) / static_cast<float>(n - 1) - 0.5f);  // float32 throughout
    };
    std::vector<std::int64_t> rounds;
    while (!mise.done()) {
        std::vector<double> values;
        for (const auto& p : mise.query()) {
            values.push_back(static_cast<double>(c.logit({coordinate(p.x), coordinate(p.y), coordinate(p.z)})));
        }
        rounds.push_back(static_cast<std::int64_t>(values.size()));
        mise.update(values);
    }
    EXPECT_EQ(rounds, counts);

    const auto grid = file.at("value_grid").to_double();
    const auto mask = io::unpack_bits(file.at("evaluated_mask").view<std::uint8_t>(), grid.size());
    std::size_t at = 0, other_mask = 0;
    for (int x = 0; x < n; ++x) {
        for (int y = 0; y < n; ++y) {
            for (int z = 0; z < n; ++z) other_mask += mise.is_evaluated({x, y, z}) != (mask[at++] != 0);
        }
    }
    EXPECT_EQ(other_mask, 0u);
    const auto dense = mise.to_dense();
    ASSERT_EQ(dense.size(), grid.size());
    double worst = 0;  // sqrt and the like may differ by a last bit of float32 from numpy's
    for (std::size_t i = 0; i < grid.size(); ++i) worst = std::max(worst, std::abs(dense[i] - grid[i]));
    EXPECT_LT(worst, 2e-6);

    // The Marching Cubes of that code takes its level in float32, its MISE in float64.
    const auto options = papers_options(n, static_cast<double>(static_cast<float>(level)));
    expect_same_mesh(marching_cubes(grid, {n, n, n}, options).mesh, file, 1e-12);
    expect_same_mesh(marching_cubes(dense, {n, n, n}, options).mesh, file, 1e-5);

    // The main path asks for the same points; its mesh has the same faces and vertices no farther than a clamped edge.
    FunctionField field([&](Vec3f p) { return c.logit(p); }, {{-0.55f, -0.55f, -0.55f}, {0.55f, 0.55f, 0.55f}});
    const auto ours = extract_mesh(
        field,
        {.resolution_0 = resolution_0, .upsampling = depth, .level = level, .refine_steps = 0, .float32_points = true});
    std::size_t sum = 0;
    for (const auto count : counts) sum += static_cast<std::size_t>(count);
    EXPECT_EQ(ours.queried_points, sum);
    expect_same_mesh(ours.mesh, file, 1.001e-3 * 1.1 / (n - 1) + 1e-6);
    EXPECT_TRUE(ours.report.outward && ours.report.manifold());
    EXPECT_EQ(ours.report.degenerate_faces, 0u);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, PapersMesh,
                         testing::Values(Case{"analytic.mesh_16_1", false, 0.5}, Case{"analytic.mesh_16_2", false, 0.5},
                                         Case{"analytic.mesh_16_3", false, 0.2}, Case{"analytic.mesh_32_2", false, 0.5},
                                         Case{"analytic_ties.mesh_16_1", true, 0.5},
                                         Case{"analytic_ties.mesh_16_2", true, 0.5}),
                         [](const auto& row) {
                             std::string name = row.param.name;
                             std::replace(name.begin(), name.end(), '.', '_');
                             return name;
                         });

// Without upsampling the papers' code takes resolution_0 samples, so one cell fewer.
TEST(PapersMeshDense, IsReproduced) {
    const auto file = io::read_npz(find_fixture("analytic.mesh_8_0"));
    const auto grid = file.at("value_grid").to_double();
    expect_same_mesh(marching_cubes(grid, {8, 8, 8}, papers_options(8, 0)).mesh, file, 1e-12);
    const Case c{"", false, 0.5};
    FunctionField field([&](Vec3f p) { return c.logit(p); }, {{-0.55f, -0.55f, -0.55f}, {0.55f, 0.55f, 0.55f}});
    MeshExtractor extractor(field, {.resolution_0 = 7, .upsampling = 0, .dense = true, .refine_steps = 0});
    NoProgress quiet;
    const auto ours = extractor.extract(quiet);
    expect_same_mesh(ours.mesh, file, 1.001e-3 * 1.1 / 7);
    const auto values = extractor.values().values;
    for (std::size_t i = 0; i < grid.size(); ++i) EXPECT_NEAR(static_cast<double>(values[i]), grid[i], 2e-6);
}

TEST(PapersMarchingCubes, NoisePadded) {
    const auto file = io::read_npz(find_fixture("mcubes_noise"));
    const auto volume = file.at("volume").to_float();
    const double level = static_cast<double>(file.at("isovalue").to_float().at(0));
    // Raw coordinates of that code: half a sample off, and one for the padding.
    const auto mesh =
        marching_cubes(volume, {14, 12, 13}, {.level = level, .pad_value = -1e6, .clamp = 0, .origin = {1.5, 1.5, 1.5}})
            .mesh;
    const auto vertices = to_points(file.at("padded_vertices"));
    ASSERT_EQ(mesh.vertices.size(), vertices.size());
    for (std::size_t i = 0; i < vertices.size(); ++i) EXPECT_LT(geom::norm(vertices[i] - mesh.vertices[i]), 1e-12) << i;
    EXPECT_EQ(mesh.faces, to_faces(file.at("padded_faces")));
}

// On an open border that code makes some vertices twice; by position, the faces are the same in the same order.
TEST(PapersMarchingCubes, NoiseWithOpenBorder) {
    const auto file = io::read_npz(find_fixture("mcubes_noise"));
    const auto volume = file.at("volume").to_float();
    const double level = static_cast<double>(file.at("isovalue").to_float().at(0));
    const auto mesh =
        marching_cubes(volume, {14, 12, 13}, {.level = level, .clamp = 0, .origin = {0.5, 0.5, 0.5}}).mesh;
    const auto vertices = to_points(file.at("vertices"));
    const auto faces = to_faces(file.at("faces"));
    EXPECT_EQ(mesh.vertices.size(), 3057u);
    EXPECT_EQ(vertices.size(), 3451u);
    ASSERT_EQ(mesh.faces.size(), faces.size());
    for (std::size_t f = 0; f < faces.size(); ++f) {
        for (std::size_t k = 0; k < 3; ++k) {
            EXPECT_LT(geom::norm(mesh.vertices[mesh.faces[f][k]] - vertices[faces[f][k]]), 1e-12) << f;
        }
    }
}

}  // namespace
}  // namespace nir::extract
