// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/mise.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/extract/marching_cubes.h"
#include "nir/geom/mesh_check.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <ostream>

namespace nir::extract {
namespace {

using geom::Vec3d;
using geom::Vec3i;
using Function = std::function<double(Vec3d)>;

double sphere(Vec3d p) { return 10 * (0.35 - geom::norm(p)); }
double twisted(Vec3d p) {
    return std::min(10 * (0.3 - geom::norm(p)), 40 * (std::abs(std::sin(9 * p.x + 5 * p.y)) - 0.2));
}
double slab(Vec3d p) { return 10 * (0.02 - std::abs(p.x - 0.031)); }
const double kLogit02 = std::log(0.2) - std::log(0.8);

/// The papers' cube of side 1.1, or plain indices.
Vec3d position(Vec3i p, int resolution, bool indices) {
    if (indices) return Vec3d(p);
    const auto at = [&](int i) { return 1.1 * (static_cast<double>(i) / resolution - 0.5); };
    return {at(p.x), at(p.y), at(p.z)};
}

template <class T>
void run(Mise<T>& mise, const Function& f, bool indices = false) {
    const int resolution = mise.size().x - 1;
    std::vector<T> values;
    while (!mise.done()) {
        values.clear();
        for (const auto& p : mise.query()) values.push_back(static_cast<T>(f(position(p, resolution, indices))));
        mise.update(values);
    }
}

struct Golden {
    const char* name;
    Function f;
    bool indices;
    int resolution_0, depth;
    double level;
    std::vector<std::size_t> points, splits;
    std::size_t inside;
    std::size_t wrong_sides;
    double sum, tolerance;

    friend std::ostream& operator<<(std::ostream& out, const Golden& g) { return out << g.name; }
};

class MiseGolden : public testing::TestWithParam<Golden> {};

// Figures of a port of the papers' code in double precision.
TEST_P(MiseGolden, EqualsThePapersCode) {
    const Golden& g = GetParam();
    Mise<double> mise({.cells = {g.resolution_0, g.resolution_0, g.resolution_0}, .depth = g.depth, .level = g.level});
    run(mise, g.f, g.indices);
    std::vector<std::size_t> points, splits;
    for (const auto& r : mise.rounds()) points.push_back(r.points), splits.push_back(r.splits);
    EXPECT_EQ(points, g.points);
    EXPECT_EQ(splits, g.splits);
    const auto dense = mise.to_dense();
    const int n = mise.size().x;
    std::size_t inside = 0, wrong = 0, at = 0;
    double sum = 0;
    for (int x = 0; x < n; ++x) {
        for (int y = 0; y < n; ++y) {
            for (int z = 0; z < n; ++z, ++at) {
                const bool in = dense[at] >= g.level;
                inside += in;
                wrong += in != (g.f(position({x, y, z}, n - 1, g.indices)) >= g.level);
                sum += dense[at];
            }
        }
    }
    EXPECT_EQ(inside, g.inside);
    EXPECT_EQ(wrong, g.wrong_sides);
    EXPECT_NEAR(sum, g.sum, g.tolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, MiseGolden,
    testing::Values(
        Golden{"corner",
               [](Vec3d p) { return p.x + p.y + p.z > 2 ? 1.0 : -1.0; },
               true,
               1,
               2,
               0,
               {8, 19, 61},
               {1, 4, 0},
               115,
               0,
               105,
               0},
        Golden{"sphere_8_2", sphere, false, 8, 2, 0, {729, 1298, 4832}, {128, 488, 0}, 4385, 0, -65038.374452, 1e-6},
        Golden{"sphere_8_2_logit",
               sphere,
               false,
               8,
               2,
               kLogit02,
               {729, 2258, 9596},
               {224, 968, 0},
               12053,
               0,
               -72354.463157,
               1e-6},
        Golden{"sphere_8_3",
               sphere,
               false,
               8,
               3,
               0,
               {729, 1298, 4832, 19538},
               {128, 488, 1952, 0},
               35513,
               0,
               -472684.670314,
               1e-6},
        Golden{"twisted_8_2",
               twisted,
               false,
               8,
               2,
               0,
               {729, 768, 4050, 274},
               {80, 420, 32, 0},
               2548,
               0,
               -91356.715695,
               1e-6},
        Golden{"twisted_8_3",
               twisted,
               false,
               8,
               3,
               0,
               {729, 768, 4050, 17474, 886},
               {80, 420, 1824, 108, 0},
               19960,
               0,
               -672216.883331,
               1e-6},
        Golden{"slab_8_2", slab, false, 8, 2, 0, {729}, {0}, 0, 1089, -96997.230000, 1e-6},
        Golden{"sphere_32_2",
               sphere,
               false,
               32,
               2,
               0,
               {35937, 19538, 78338},
               {1952, 7832, 0},
               283049,
               0,
               -3561271.982966,
               1e-5}),
    testing::PrintToStringParamName());

struct GoldenMesh {
    const char* name;
    Function f;
    double level;
    int resolution_0;
    std::size_t vertices, faces;
    double volume, lowest, highest;
    bool box_norm;

    friend std::ostream& operator<<(std::ostream& out, const GoldenMesh& g) { return out << g.name; }
};

class MiseMesh : public testing::TestWithParam<GoldenMesh> {};

TEST_P(MiseMesh, EqualsThePapersCode) {
    const auto& g = GetParam();
    Mise<double> mise({.cells = {g.resolution_0, g.resolution_0, g.resolution_0}, .depth = 2, .level = g.level});
    run(mise, g.f);
    const int n = mise.size().x;
    const double h = 1.1 / (n - 1);
    const MarchingCubesOptions options{
        .level = g.level, .pad_value = -1e6, .clamp = 0, .origin = {-0.55, -0.55, -0.55}, .spacing = {h, h, h}};
    // The papers' code polygonises its fill of unrefined space, which moves vertices on the padded border a little.
    const auto dense = mise.to_dense();
    const auto mesh = marching_cubes(dense, mise.size(), options).mesh;
    EXPECT_EQ(mesh.vertices.size(), g.vertices);
    EXPECT_EQ(mesh.faces.size(), g.faces);
    const auto report = geom::check_mesh(mesh);
    EXPECT_EQ(report.euler_characteristic, 2);
    EXPECT_NEAR(report.signed_volume, g.volume, 2e-11);
    double lowest = 1e9, highest = 0;
    for (const auto& p : mesh.vertices) {
        const double r = g.box_norm ? std::max({std::abs(p.x), std::abs(p.y), std::abs(p.z)}) : geom::norm(p);
        lowest = std::min(lowest, r), highest = std::max(highest, r);
    }
    if (!g.box_norm) {
        EXPECT_NEAR(lowest, g.lowest, 1e-9);
    }
    EXPECT_NEAR(highest, g.highest, 1e-9);
    // Ours gives the same surface.
    const auto sparse = marching_cubes(mise, options).mesh;
    EXPECT_EQ(mesh.faces, sparse.faces);
    ASSERT_EQ(mesh.vertices.size(), sparse.vertices.size());
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
        EXPECT_LT(geom::norm(mesh.vertices[i] - sparse.vertices[i]), 1e-5 * h);
    }
}

INSTANTIATE_TEST_SUITE_P(Rows, MiseMesh,
                         testing::Values(GoldenMesh{"sphere", sphere, 0, 8, 1950, 3896, 0.178569836855, 0.349592528,
                                                    0.35, false},
                                         GoldenMesh{"sphere_logit", sphere, kLogit02, 8, 3846, 7688, 0.487246587775,
                                                    0.488345291, 0.488629436, false},
                                         GoldenMesh{"clipped", [](Vec3d p) { return 10 * (0.6 - geom::norm(p)); }, 0, 4,
                                                    1446, 2888, 0.871686241245, 0, 0.550000034375, true}),
                         testing::PrintToStringParamName());

/// The rules of the spec, word for word and slow: every round looks at every known point.
struct SlowMise {
    struct Leaf {
        Vec3i origin;
        int size;
    };
    std::map<std::array<int, 3>, double> known;
    std::vector<std::size_t> points, splits;

    SlowMise(Vec3i cells, int depth, double level, const std::function<double(Vec3i)>& f) {
        const int unit = 1 << depth;
        const Vec3i n{cells.x * unit, cells.y * unit, cells.z * unit};
        std::vector<Leaf> leaves;
        std::vector<std::array<int, 3>> unknown;
        for (int x = 0; x <= n.x; x += unit) {
            for (int y = 0; y <= n.y; y += unit) {
                for (int z = 0; z <= n.z; z += unit) {
                    unknown.push_back({x, y, z});
                    if (x < n.x && y < n.y && z < n.z) leaves.push_back({{x, y, z}, unit});
                }
            }
        }
        while (!unknown.empty()) {
            points.push_back(unknown.size());
            for (const auto& p : unknown) known[p] = f({p[0], p[1], p[2]});
            unknown.clear();
            std::map<std::array<int, 3>, int> added;
            std::vector<Leaf> next;
            std::size_t count = 0;
            for (const auto& leaf : leaves) {
                bool pos = false, neg = false;
                for (int x = 0; x <= leaf.size; ++x) {
                    for (int y = 0; y <= leaf.size; ++y) {
                        for (int z = 0; z <= leaf.size; ++z) {
                            const auto it = known.find({leaf.origin.x + x, leaf.origin.y + y, leaf.origin.z + z});
                            if (it == known.end()) continue;
                            pos = pos || it->second >= level, neg = neg || it->second <= level;
                        }
                    }
                }
                if (!(pos && neg && leaf.size > 1)) {
                    next.push_back(leaf);
                    continue;
                }
                ++count;
                const int half = leaf.size / 2;
                for (int x = 0; x < 3; ++x) {
                    for (int y = 0; y < 3; ++y) {
                        for (int z = 0; z < 3; ++z) {
                            const Vec3i o = leaf.origin + Vec3i{x * half, y * half, z * half};
                            if (!known.contains({o.x, o.y, o.z})) added[{o.x, o.y, o.z}] = 1;
                            if (x < 2 && y < 2 && z < 2) next.push_back({o, half});
                        }
                    }
                }
            }
            for (const auto& [p, one] : added) unknown.push_back(p);
            splits.push_back(count);
            leaves = std::move(next);
        }
    }
};

TEST(Mise, EqualsTheSlowRulesOnRandomFieldsWithTies) {
    Rng rng(3);
    for (int trial = 0; trial < 28; ++trial) {
        const bool deep = trial >= 25;
        const auto some = [&] { return 1 + static_cast<int>(rng.below(deep ? 2 : 4)); };
        const Vec3i cells{some(), some(), some()};
        const int depth = deep ? trial - 21 : static_cast<int>(rng.below(4));
        const Vec3d a{rng.normal(), rng.normal(), rng.normal()}, b{rng.normal(), rng.normal(), rng.normal()};
        const double shift = 2 * rng.normal();
        const bool ties = trial % 2 == 0;
        const auto f = [&](Vec3i i) {
            const Vec3d p = Vec3d(i) / (1 << depth);
            const double v = std::sin(2 * geom::dot(a, p) + shift) + std::cos(3 * geom::dot(b, p)) - 1.2;
            return ties ? std::round(4 * v) / 4 : v;
        };
        const SlowMise slow(cells, depth, 0.25, f);
        Mise<double> mise({.cells = cells, .depth = depth, .level = 0.25});
        while (!mise.done()) {
            std::vector<double> values;
            for (const auto& p : mise.query()) values.push_back(f(p));
            mise.update(values);
        }
        std::vector<std::size_t> points, splits;
        for (const auto& r : mise.rounds()) points.push_back(r.points), splits.push_back(r.splits);
        EXPECT_EQ(points, slow.points) << trial;
        EXPECT_EQ(splits, slow.splits) << trial;
        const Vec3i n = mise.size();
        std::vector<double> scratch;
        const auto dense = mise.to_dense();
        for (int x = 0; x < n.x; ++x) {
            const double* plane = mise.plane(x, scratch);
            for (int y = 0; y < n.y; ++y) {
                for (int z = 0; z < n.z; ++z) {
                    const bool known = slow.known.contains({x, y, z});
                    ASSERT_EQ(mise.is_evaluated({x, y, z}), known);
                    const auto at = static_cast<std::size_t>(y * n.z + z);
                    if (known) {
                        ASSERT_EQ(plane[at], slow.known.at({x, y, z}));
                    }
                    const double filled = dense[static_cast<std::size_t>(x * n.y) * static_cast<std::size_t>(n.z) + at];
                    ASSERT_EQ(plane[at] > 0.25, filled > 0.25) << x << " " << y << " " << z;
                }
            }
        }
    }
}

TEST(Mise, AsksForTheSamePointsWithAnyNumberOfThreads) {
    const int before = threads();
    std::vector<std::vector<Vec3i>> rounds[2];
    for (int i = 0; i < 2; ++i) {
        set_threads(1 + 2 * i);
        Mise<float> mise({.cells = {16, 16, 16}, .depth = 3});
        std::vector<float> values;
        while (!mise.done()) {
            rounds[i].emplace_back(mise.query().begin(), mise.query().end());
            values.clear();
            for (const auto& p : mise.query()) values.push_back(static_cast<float>(twisted(position(p, 128, false))));
            mise.update(values);
        }
    }
    set_threads(before);
    EXPECT_GT(rounds[0].size(), 3u);
    EXPECT_TRUE(rounds[0] == rounds[1]);
}

TEST(Mise, NamesThePointOfALaterRoundThatIsNotANumber) {
    Mise<double> mise({.cells = {2, 2, 2}, .depth = 3});
    std::vector<double> values;
    for (const auto& p : mise.query()) values.push_back(p.x - 7.5);
    mise.update(values);
    const Vec3i bad = mise.query().back();
    values.assign(mise.query().size(), 1.0);
    values.back() = std::nan("");
    try {
        mise.update(values);
        FAIL();
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), testing::HasSubstr(fmt::format("{} {} {}", bad.x, bad.y, bad.z)));
    }
}

TEST(Mise, SeedsFindWhatTheCoarseLatticeMisses) {
    std::vector<geom::Vec3f> seeds;  // on the plate, 33 cells wide, four units a coarse cell
    for (int y = 0; y < 32; y += 2) {
        for (int z = 0; z < 32; z += 2) {
            seeds.push_back(
                {static_cast<float>((0.031 / 1.1 + 0.5) * 32), static_cast<float>(y), static_cast<float>(z)});
        }
    }
    seeds.push_back({-5, 0, 0});
    seeds.push_back({std::nanf(""), 0, 0});
    Mise<double> mise({.cells = {8, 8, 8}, .depth = 2});
    mise.seed(seeds);
    run(mise, slab);
    std::size_t wrong = 0, at = 0;
    const auto dense = mise.to_dense();
    for (int x = 0; x <= 32; ++x) {
        for (int i = 0; i < 33 * 33; ++i, ++at)
            wrong += (dense[at] >= 0) != (slab(position({x, 0, 0}, 32, false)) >= 0);
    }
    EXPECT_EQ(wrong, 0u);
    EXPECT_LT(mise.evaluated_points(), 33u * 33u * 33u / 2);
}

TEST(Mise, RejectsNonsense) {
    EXPECT_THROW(Mise<float>({.cells = {0, 4, 4}}), Error);
    EXPECT_THROW(Mise<float>({.depth = 7}), Error);
    EXPECT_THROW(Mise<float>({.depth = -1}), Error);
    EXPECT_THROW(Mise<float>({.cells = {1, 1, 40000}, .depth = 0}), Error);
    EXPECT_THROW(Mise<float>({.level = std::nan("")}), Error);
    Mise<float> mise({.cells = {1, 1, 1}, .depth = 0});
    std::vector<float> values(8, 1.0f);
    values[5] = std::nanf("");
    try {
        mise.update(values);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::numeric);
        EXPECT_THAT(e.what(), testing::HasSubstr("1 0 1"));
    }
}

}  // namespace
}  // namespace nir::extract
