// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/occupancy_samples.h"

#include "nir/base/error.h"
#include "nir/data/cascade_samples.h"
#include "nir/data/sample_stream.h"
#include "nir/kernels/splat.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace nir::data {
namespace {

TEST(OccupancySamples, FillThePaddedCube) {
    OccupancyDataConfig config;
    config.points = 300;
    config.queries = 2048;
    const OccupancySample s = make_occupancy_sample(config, Rng(3));
    ASSERT_EQ(s.observation.size(), 900u);
    ASSERT_EQ(s.queries.size(), 3u * 2048u);
    ASSERT_EQ(s.occupancies.size(), 2048u);
    const auto [lo, hi] = std::ranges::minmax(s.queries);
    EXPECT_GE(lo, -0.55f);
    EXPECT_LE(hi, 0.55f);
    EXPECT_LT(lo, -0.53f);
    EXPECT_GT(hi, 0.53f);
    const auto [a, b] = std::ranges::minmax(s.observation);
    EXPECT_GE(a, -0.5f - 6 * 0.005f);
    EXPECT_LE(b, 0.5f + 6 * 0.005f);
    const auto inside = std::ranges::count(s.occupancies, 1.0f);
    EXPECT_EQ(inside + std::ranges::count(s.occupancies, 0.0f), 2048);
    EXPECT_GT(inside, 0);
    EXPECT_LT(inside, 2048);
    const OccupancySample again = make_occupancy_sample(config, Rng(3));
    EXPECT_EQ(s.observation, again.observation);
    EXPECT_EQ(s.occupancies, again.occupancies);
}

TEST(OccupancySamples, TargetsComeOnTop) {
    OccupancyDataConfig config;
    config.points = 100;
    config.queries = 500;
    config.surface = 3000;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        const OccupancySample plain = make_occupancy_sample(config, Rng(seed));
        const OccupancySample s = make_occupancy_sample(config, Rng(seed), {.surface = true, .voxels = 16});
        EXPECT_TRUE(plain.surface.empty() && plain.voxels.empty());
        EXPECT_EQ(s.observation, plain.observation);
        EXPECT_EQ(s.queries, plain.queries);
        EXPECT_EQ(s.occupancies, plain.occupancies);
        ASSERT_EQ(s.surface.size(), 9000u);
        ASSERT_EQ(s.voxels.size(), 4096u);
        // The same solid made again: surface points lie on it, voxels are the labels of their centres.
        Rng rng(seed);
        const GeneratedShape shape = fit_unit_cube(generate_shape(rng, 2000));
        std::vector<Vec3f> surface(3000), centers;
        for (std::size_t i = 0; i < 3000; ++i)
            surface[i] = {s.surface[3 * i], s.surface[3 * i + 1], s.surface[3 * i + 2]};
        std::vector<float> d(3000);
        shape.solid->eval(surface.data(), d.size(), d.data());
        EXPECT_LT(std::ranges::count_if(d, [](float x) { return std::abs(x) > 2e-3f; }), 30);
        for (int i = 0; i < 4096; ++i)
            centers.push_back(
                Vec3f{static_cast<float>(i / 256), static_cast<float>(i / 16 % 16), static_cast<float>(i % 16)} *
                    (1 / 16.0f) +
                Vec3f{-0.46875f, -0.46875f, -0.46875f});
        d.resize(4096);
        shape.solid->eval(centers.data(), d.size(), d.data());
        for (std::size_t i = 0; i < 4096; ++i) {
            if (std::abs(d[i]) > 1e-5f) {
                ASSERT_EQ(s.voxels[i], d[i] < 0 ? 1.0f : 0.0f);
            }
        }
    }
}

TEST(OccupancySamples, UnitCubeKeepsSolidAndSurfaceTogether) {
    Rng rng(8);
    const GeneratedShape s = fit_unit_cube(generate_shape(rng, 1000));
    EXPECT_NEAR(s.box.longest_side(), 1, 1e-5);
    EXPECT_NEAR(norm(s.box.center()), 0, 1e-5);
    std::vector<float> d(s.surface.size());
    s.solid->eval(s.surface.data(), d.size(), d.data());
    const auto off = std::ranges::count_if(d, [](float x) { return std::abs(x) > 2e-3f; });
    EXPECT_LT(off, 10);
}

TEST(OccupancySamples, LabelsOfAScanAreThoseOfTheSphere) {
    GeneratedShape ball;
    ball.solid = sphere(0.5f);
    Rng rng(1);
    ball.surface = sample_surface(*ball.solid, 0.6f, 500, rng);
    for (const auto& p : ball.surface) ball.box.extend(p);
    LabelledScan scan;
    add_labels(scan, ball, 4000, rng);
    ASSERT_EQ(scan.uniform.size(), 4000u);
    ASSERT_GE(scan.surface.size(), 500u);
    for (const auto& p : scan.surface) ASSERT_NEAR(norm(p), 0.5f, 1e-3f);
    for (std::size_t i = 0; i < 4000; ++i) {
        ASSERT_EQ(scan.uniform_inside[i] != 0, norm(scan.uniform[i]) < 0.5f);
        ASSERT_EQ(scan.near_inside[i] != 0, norm(scan.near[i]) < 0.5f);
        ASSERT_LT(std::abs(norm(scan.near[i]) - 0.5f), 0.06f);
    }
    // Volume of the ball over that of the padded box.
    const double share = static_cast<double>(std::ranges::count(scan.uniform_inside, 1)) / 4000;
    EXPECT_NEAR(share, 4 * M_PI / 3 / 8 / std::pow(1.2, 3), 0.03);
}

TEST(CascadeSamples, WindowsAndLabelsFitTogether) {
    CascadeDataConfig config;
    config.cells = 16;
    config.queries = 400;
    config.min_points = 2000;
    config.max_points = 4000;
    int with_octaves = 0;
    for (std::uint64_t i = 0; i < 6; ++i) {
        const CascadeSample s = make_cascade_sample(config, Rng(i));
        ASSERT_GE(s.octaves.size(), 1u);
        with_octaves += s.octaves.size() > 1;
        EXPECT_EQ(s.octaves[0].openness.size(), static_cast<std::size_t>(kernels::kOpennessChannels) * 4096);
        for (std::size_t o = 0; o < s.octaves.size(); ++o) {
            const OctaveSample& octave = s.octaves[o];
            ASSERT_EQ(octave.moments.size(), static_cast<std::size_t>(kernels::kSplatChannels) * 4096);
            ASSERT_EQ(octave.queries.size(), 1200u);
            for (const float q : octave.queries) ASSERT_TRUE(q >= 0 && q <= 16);
            for (std::size_t k = 0; k < 400; ++k)
                ASSERT_EQ(octave.inside[k] != 0, octave.occupancy[k] > 0.5f) << octave.occupancy[k];
            if (o == 0) continue;
            for (const int x : octave.offset) ASSERT_TRUE(x >= 0 && x <= 8);
            // The same points, seen at half the cell size: every point of the window is one of its parent's.
            const auto& parent = s.octaves[o - 1].points;
            ASSERT_GE(parent.size(), octave.points.size());
            for (std::size_t k = 0; k < std::min<std::size_t>(octave.points.size(), 30); k += 3) {
                float nearest = 1e9f;
                for (std::size_t j = 0; j < parent.size(); j += 3) {
                    float d = 0;
                    for (std::size_t a = 0; a < 3; ++a)
                        d +=
                            std::abs(octave.points[k + a] - 2 * (parent[j + a] - static_cast<float>(octave.offset[a])));
                    nearest = std::min(nearest, d);
                }
                ASSERT_LT(nearest, 1e-3f);
            }
        }
    }
    EXPECT_GT(with_octaves, 0);
}

TEST(CascadeSamples, TheSmallestAndTheLargestScans) {
    CascadeDataConfig config;
    config.cells = 16;
    config.queries = 16;
    for (const int n : {300, 20000}) {
        config.min_points = config.max_points = n;
        const CascadeSample s = make_cascade_sample(config, Rng(5));
        const double points = static_cast<double>(s.octaves[0].points.size()) / 3;
        EXPECT_LE(points, 1.02 * n);  // outliers may come on top
        EXPECT_GT(points, 0.4 * n);   // uneven density may thin it
    }
}

TEST(SampleStream, GivesSamplesInOrderWhateverTheWorkers) {
    const auto make = [](std::uint64_t i) { return Rng(i).next(); };
    for (const int workers : {0, 1, 3}) {
        SampleStream<std::uint64_t> stream(make, 5, workers, 4);
        for (std::uint64_t i = 5; i < 40; ++i) {
            ASSERT_EQ(stream.position(), i);
            ASSERT_EQ(stream.next(), make(i));
        }
    }
}

TEST(SampleStream, ThrowsWhereTheSampleWouldHaveCome) {
    const auto make = [](std::uint64_t i) -> int {
        if (i == 3) fail(ErrorKind::input, "no sample {}", i);
        return static_cast<int>(i);
    };
    for (const int workers : {0, 2}) {
        SampleStream<int> stream(make, 0, workers);
        for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.next(), i);
        EXPECT_THROW(stream.next(), Error);
    }
}

}  // namespace
}  // namespace nir::data
