// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/shape_generator.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/data/shape_mesh.h"
#include "nir/geom/inside.h"
#include "nir/geom/mesh_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <set>

namespace nir::data {
namespace {

constexpr double kPi = std::numbers::pi;

/// Share of points of [-half, half]^3 inside the solid, times the volume of that cube.
double volume(const Solid& solid, float half, std::size_t n, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Vec3f> p(n);
    for (auto& q : p)
        for (int a = 0; a < 3; ++a) q[a] = static_cast<float>(rng.uniform(-half, half));
    std::vector<float> d(n);
    solid.eval(p.data(), n, d.data());
    const auto inside = std::ranges::count_if(d, [](float x) { return x < 0; });
    return static_cast<double>(inside) / static_cast<double>(n) * std::pow(2.0 * half, 3);
}

double value_at(const Solid& solid, Vec3f p) {
    float d = 0;
    solid.eval(&p, 1, &d);
    return d;
}

TEST(Solid, PrimitivesHaveTheirVolume) {
    // 200,000 samples in a cube of volume 8: the standard error is below 0.009.
    EXPECT_NEAR(volume(*sphere(0.7f), 1, 200000, 1), 4 * kPi / 3 * 0.343, 0.03);
    EXPECT_NEAR(volume(*cylinder(0.5f, 0.8f, 0), 1, 200000, 2), kPi * 0.25 * 1.6, 0.03);
    EXPECT_NEAR(volume(*torus(0.6f, 0.25f), 1, 200000, 3), 2 * kPi * kPi * 0.6 * 0.0625, 0.03);
    EXPECT_NEAR(volume(*ellipsoid({0.9f, 0.5f, 0.3f}), 1, 200000, 4), 4 * kPi / 3 * 0.9 * 0.5 * 0.3, 0.03);
    EXPECT_NEAR(volume(*rounded_box({0.5f, 0.4f, 0.9f}, 0), 1, 200000, 5), 8 * 0.5 * 0.4 * 0.9, 0.03);
    // A square of side 0.8 extruded by 1; a triangle (0,0) (0.6,0) (0,0.9) revolved: a cone.
    EXPECT_NEAR(volume(*extrusion({{-0.4f, -0.4f}, {0.4f, -0.4f}, {0.4f, 0.4f}, {-0.4f, 0.4f}}, 0.5f, 0), 1, 200000, 6),
                0.64, 0.03);
    EXPECT_NEAR(volume(*revolution({{0, 0}, {0.6f, 0}, {0, 0.9f}}, 0), 1, 200000, 7), kPi / 3 * 0.36 * 0.9, 0.03);
}

TEST(Solid, OperationsAreThoseOfSets) {
    const SolidPtr a = sphere(0.5f), b = move(sphere(0.5f), {.translation = {0.6f, 0, 0}});
    const SolidPtr both = unite({a, b}), common = intersect(a, b), rest = subtract(a, b);
    Rng rng(3);
    for (int i = 0; i < 5000; ++i) {
        const Vec3f p{static_cast<float>(rng.uniform(-1, 1.5)), static_cast<float>(rng.uniform(-1, 1)),
                      static_cast<float>(rng.uniform(-1, 1))};
        const bool in_a = norm(p) < 0.5f, in_b = norm(p - Vec3f{0.6f, 0, 0}) < 0.5f;
        ASSERT_EQ(value_at(*both, p) < 0, in_a || in_b);
        ASSERT_EQ(value_at(*common, p) < 0, in_a && in_b);
        ASSERT_EQ(value_at(*rest, p) < 0, in_a && !in_b);
    }
}

TEST(Solid, SignedDistanceOfSphereAndEllipsoid) {
    const SolidPtr s = sphere(0.4f);
    const std::vector<Vec3f> p{{0, 0, 0}, {0.3f, 0, 0}, {0, 0.4f, 0}, {0, 0, 0.9f}};
    for (const auto& q : p) EXPECT_NEAR(value_at(*s, q), norm(q) - 0.4, 1e-6);
    // The first-order estimate is exact to second order near the surface, also where the bound is not a distance.
    const SolidPtr e = ellipsoid({0.9f, 0.3f, 0.3f});
    const std::vector<Vec3f> near{{0.92f, 0, 0}, {0, 0.29f, 0}};
    std::vector<float> d(2);
    signed_distances(*e, near, 0.002f, d);
    EXPECT_NEAR(d[0], 0.02, 0.002);
    EXPECT_NEAR(d[1], -0.01, 0.002);
}

TEST(SampleSurface, IsUniformByAreaAndEstimatesTheArea) {
    Rng rng(11);
    float area = 0;
    const double r = 0.5;
    const auto points = sample_surface(*sphere(0.5f), 0.8f, 60000, rng, &area);
    ASSERT_GE(points.size(), 60000u);
    EXPECT_NEAR(area, 4 * kPi * r * r, 0.03 * 4 * kPi * r * r);
    // Archimedes: z of a uniform point of a sphere is uniform. Ten slices, standard error below 1.3 % of each.
    std::array<int, 10> slice{};
    for (const auto& p : points) {
        ASSERT_NEAR(norm(p), r, 1e-4);
        ++slice[static_cast<std::size_t>(std::clamp((p.z / r + 1) * 5, 0.0, 9.0))];
    }
    for (const int n : slice) EXPECT_NEAR(n, static_cast<double>(points.size()) / 10, 0.06 * 6000);
    // A box: faces in proportion to their area.
    float box_area = 0;
    const auto on_box = sample_surface(*rounded_box({0.4f, 0.2f, 0.1f}, 0), 0.6f, 40000, rng, &box_area);
    const double whole = 8 * (0.4 * 0.2 + 0.2 * 0.1 + 0.4 * 0.1);
    EXPECT_NEAR(box_area, whole, 0.03 * whole);
    const auto top = std::ranges::count_if(on_box, [](Vec3f p) { return std::abs(std::abs(p.z) - 0.1f) < 1e-3f; });
    EXPECT_NEAR(static_cast<double>(top) / static_cast<double>(on_box.size()), 8 * 0.4 * 0.2 / whole, 0.02);
}

TEST(ShapeGenerator, SurfacePointsLieOnTheSurface) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        Rng rng(seed);
        const GeneratedShape s = generate_shape(rng, 1500);
        ASSERT_GE(s.surface.size(), 1500u) << s.family;
        EXPECT_NEAR(norm(s.box.center()), 0, 0.35) << s.family;
        EXPECT_GT(s.box.longest_side(), 0.8f) << s.family;
        EXPECT_LE(s.box.longest_side(), 1.6f) << s.family;
        EXPECT_GT(s.area, 0.0f);
        std::vector<float> d(s.surface.size());
        s.solid->eval(s.surface.data(), s.surface.size(), d.data());
        const auto far = std::ranges::count_if(d, [](float x) { return std::abs(x) > 2e-3f; });
        EXPECT_LT(static_cast<double>(far), 0.01 * static_cast<double>(d.size())) << s.family << ", seed " << seed;
    }
}

TEST(ShapeGenerator, LabelsChangeAcrossTheSurface) {
    // A step inwards along the normal is inside, a step outwards outside: the labels agree with the surface samples.
    for (std::uint64_t seed = 100; seed < 108; ++seed) {
        Rng rng(seed);
        const GeneratedShape s = generate_shape(rng, 1000);
        std::vector<Vec3f> n(s.surface.size()), in, out;
        normals(*s.solid, s.surface, 0.001f, n);
        for (std::size_t i = 0; i < n.size(); ++i) {
            in.push_back(s.surface[i] - n[i] * 0.002f);
            out.push_back(s.surface[i] + n[i] * 0.002f);
        }
        std::vector<float> a(n.size()), b(n.size());
        s.solid->eval(in.data(), in.size(), a.data());
        s.solid->eval(out.data(), out.size(), b.data());
        std::size_t good = 0;
        for (std::size_t i = 0; i < n.size(); ++i) good += a[i] < 0 && b[i] > 0;
        EXPECT_GT(static_cast<double>(good), 0.97 * static_cast<double>(n.size())) << s.family << ", seed " << seed;
    }
}

TEST(ShapeGenerator, SameSeedSameBits) {
    Rng a(42), b(42), c(43);
    const GeneratedShape x = generate_shape(a, 500), y = generate_shape(b, 500), z = generate_shape(c, 500);
    ASSERT_EQ(x.surface.size(), y.surface.size());
    EXPECT_EQ(std::memcmp(x.surface.data(), y.surface.data(), x.surface.size() * sizeof(Vec3f)), 0);
    EXPECT_EQ(x.family, y.family);
    EXPECT_EQ(a.state(), b.state());
    EXPECT_NE(std::memcmp(x.surface.data(), z.surface.data(), 500 * sizeof(Vec3f)), 0);
}

TEST(ShapeGenerator, MakesEveryFamily) {
    std::set<std::string_view> missing(shape_families().begin(), shape_families().end());
    EXPECT_GE(missing.size(), 9u);
    Rng rng(5);
    for (int i = 0; i < 400 && !missing.empty(); ++i) missing.erase(generate_shape(rng, 50).family);
    EXPECT_TRUE(missing.empty()) << *missing.begin();
}

TEST(ShapeGenerator, FamilyOnDemandStandsUpright) {
    for (const auto family : shape_families()) {
        Rng a(9), b(9);
        const GeneratedShape x = generate_shape_of(family, a, 300), y = generate_shape_of(family, b, 300);
        EXPECT_EQ(x.family, family);
        ASSERT_EQ(x.surface.size(), y.surface.size());
        EXPECT_EQ(std::memcmp(x.surface.data(), y.surface.data(), x.surface.size() * sizeof(Vec3f)), 0);
    }
    // A vessel without handle turns about its axis, which is y: its box is as wide as it is deep.
    int round = 0;
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        Rng rng(seed);
        const Vec3f size = generate_shape_of("vessel", rng, 3000).box.size();
        round += std::abs(size.x - size.z) < 0.03f * std::max(size.x, size.z);
    }
    EXPECT_GE(round, 4);
    Rng rng(1);
    EXPECT_THROW(generate_shape_of("vesel", rng, 10), Error);
}

TEST(ShapeMesh, IsClosedAndAgreesWithTheClosedForm) {
    for (const char* family : {"furniture", "vessel", "bumpy", "csg"}) {
        Rng rng(21);
        const GeneratedShape shape = generate_shape_of(family, rng, 4000);
        geom::TriMesh mesh = mesh_of(shape, 96);
        ASSERT_FALSE(mesh.empty()) << family;
        EXPECT_TRUE(geom::check_mesh(mesh).watertight()) << family;
        EXPECT_EQ(mesh.normals.size(), mesh.vertices.size());
        geom::Box3d box;
        for (const auto& v : mesh.vertices) box.extend(v);
        EXPECT_NEAR(box.longest_side(), 1, 1e-6) << family;
        EXPECT_LT(norm(box.center()), 1e-6) << family;
        // The mesh's cube is the shape's box up to what 4000 points miss of it.
        const geom::InsideTest inside(mesh);
        const Vec3f center = shape.box.center();
        std::size_t same = 0, n = 0;
        for (int i = 0; i < 4000; ++i) {
            const Vec3f p{static_cast<float>(rng.uniform(-0.5, 0.5)), static_cast<float>(rng.uniform(-0.5, 0.5)),
                          static_cast<float>(rng.uniform(-0.5, 0.5))};
            const double d = value_at(*shape.solid, center + p * shape.box.longest_side());
            if (std::abs(d) < 0.02) continue;
            same += inside.contains(geom::Vec3d(p)) == (d < 0), ++n;
        }
        EXPECT_GT(n, 500u) << family;
        EXPECT_GT(static_cast<double>(same), 0.998 * static_cast<double>(n)) << family;
    }
}

TEST(ShapeMesh, SameForAnyNumberOfThreads) {
    Rng rng(2);
    const GeneratedShape shape = generate_shape_of("creature", rng, 2000);
    set_threads(1);
    const geom::TriMesh one = mesh_of(shape, 48);
    set_threads(3);
    const geom::TriMesh three = mesh_of(shape, 48);
    set_threads(0);
    EXPECT_TRUE(one.faces == three.faces);
    ASSERT_EQ(one.vertices.size(), three.vertices.size());
    EXPECT_EQ(std::memcmp(one.vertices.data(), three.vertices.data(), one.vertices.size() * sizeof(geom::Vec3d)), 0);
}

}  // namespace
}  // namespace nir::data
