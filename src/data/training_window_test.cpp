// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/training_window.h"

#include "nir/base/error.h"
#include "nir/data/dataset.h"
#include "nir/data/occupancy_samples.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::data {
namespace {

using geom::Vec3d;
using geom::Vec3f;

const geom::Box3f kBounds{{-0.5f, -0.2f, 0.1f}, {0.5f, 0.3f, 0.9f}};

void expect_in_box(const TrainingWindow& w, double side) {
    for (std::size_t i = 0; i < w.points.size(); ++i)
        ASSERT_LE(std::abs(static_cast<double>(w.points[i]) - w.center[static_cast<int>(i % 3)]), side / 2 + 1e-6);
}

TEST(TrainingWindow, PointsFillTheBoxAndKeepTheirLabels) {
    Rng rng(1);
    const auto above = [](const std::vector<Vec3f>& p) {
        std::vector<std::uint8_t> out;
        for (const auto& v : p) out.push_back(v.x > 0 ? 1 : 0);
        return out;
    };
    for (int round = 0; round < 20; ++round) {
        const TrainingWindow w = draw_window(kBounds, 0.1, 50, above, rng);
        for (int a = 0; a < 3; ++a) {
            EXPECT_GE(w.center[a], static_cast<double>(kBounds.lo[a]));
            EXPECT_LE(w.center[a], static_cast<double>(kBounds.hi[a]));
        }
        ASSERT_EQ(w.points.size(), 150u);
        expect_in_box(w, 0.1);
        for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(w.occupancies[i], w.points[3 * i] > 0 ? 1.0f : 0.0f);
    }
}

TEST(TrainingWindow, LabelledPointsOfTheBoxAreDrawn) {
    Rng rng(2);
    std::vector<Vec3f> points;
    std::vector<std::uint8_t> inside;
    for (int i = 0; i < 5000; ++i) {
        Vec3f p;
        for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(rng.uniform(-0.55, 0.95));
        points.push_back(p);
        inside.push_back(p.y > 0 ? 1 : 0);
    }
    const TrainingWindow w = draw_window(kBounds, 0.3, 200, points, inside, rng);
    ASSERT_EQ(w.occupancies.size(), 200u);
    expect_in_box(w, 0.3);
    for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(w.occupancies[i], w.points[3 * i + 1] > 0 ? 1.0f : 0.0f);
    EXPECT_THROW((void)draw_window(kBounds, 0.3, 5, {{9, 9, 9}}, {1}, rng), Error);
}

TEST(TrainingWindow, ComesOnTopOfGeneratedSamples) {
    OccupancyDataConfig config;
    config.points = 50, config.queries = 40;
    const OccupancySample plain = make_occupancy_sample(config, Rng(5));
    TrainingTargets targets;
    targets.window = 0.125;
    const OccupancySample asked = make_occupancy_sample(config, Rng(5), targets);
    EXPECT_EQ(plain.observation, asked.observation);
    EXPECT_EQ(plain.occupancies, asked.occupancies);
    EXPECT_TRUE(plain.window.points.empty());
    EXPECT_EQ(asked.window.occupancies.size(), 40u);
    expect_in_box(asked.window, 0.125);
}

TEST(TrainingWindow, ComesFromPreparedSetsToo) {
    DatasetConfig config;
    config.path = NIR_SOURCE_DIR "/tests/golden/dataset";
    config.points = 30, config.queries = 25;
    const Dataset set(config, "train");
    TrainingTargets targets;
    targets.window = 0.4;
    const DatasetSample s = set.sample(0, true, Rng(7), targets);
    ASSERT_EQ(s.window.occupancies.size(), 25u);
    expect_in_box(s.window, 0.4);
    const DatasetSample plain = set.sample(0, true, Rng(7));
    EXPECT_EQ(plain.queries, s.queries);
    EXPECT_TRUE(plain.window.points.empty());
}

}  // namespace
}  // namespace nir::data
