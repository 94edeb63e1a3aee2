// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/ray_march.h"

#include "nir/base/rng.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace nir::kernels {
namespace {

TEST(StepRule, GoldenSteps) {
    const StepRule rule(1.7320508f / 1024, 1.0f / 256, 1.7320508f);
    EXPECT_NEAR(rule.near_end(), .43385788f, 1e-5f);
    EXPECT_NEAR(rule.far_begin(), 444.27047f, 0.02f);
    for (const auto& [t, dt] : {std::pair{.1f, .0016915f},
                                {.4f, .0016915f},
                                {.5f, .0019531f},
                                {1.f, .0039063f},
                                {5.f, .0195313f},
                                {50.f, .1953125f}}) {
        EXPECT_NEAR(rule.step(t), dt, 1e-6f);
        EXPECT_NEAR(rule.distance_of(rule.number_of(t) + 1) - t, dt, 2e-3f * dt) << t;
        EXPECT_NEAR(rule.distance_of(rule.number_of(t)), t, 1e-5f * t);
    }
}

TEST(Occupancy, CellsAndPositionsAreInverse) {
    std::set<std::uint32_t> seen;
    for (std::uint32_t z = 0; z < kOccupancyCells; z += 9)
        for (std::uint32_t y = 0; y < kOccupancyCells; y += 7)
            for (std::uint32_t x = 0; x < kOccupancyCells; ++x) {
                const std::uint32_t cell = occupancy_cell(x, y, z);
                EXPECT_LT(cell, kCellsPerCascade);
                EXPECT_TRUE(seen.insert(cell).second);
                EXPECT_EQ(occupancy_position(cell), (std::array<std::uint32_t, 3>{x, y, z}));
            }
}

struct Grid {
    std::vector<std::uint64_t> bricks;
    int cascades;
    explicit Grid(int n) : bricks(static_cast<std::size_t>(n) * kBricksPerCascade), cascades(n) {}
    OccupancyView view() const { return {bricks, cascades}; }
    bool at(int cascade, std::uint32_t cell) const {
        return (bricks[static_cast<std::size_t>(cascade) * kBricksPerCascade + cell / 64] >> (cell % 64)) & 1;
    }
};

struct Samples {
    std::vector<float> x, y, z, t, dt;
    explicit Samples(std::size_t n) : x(n), y(n), z(n), t(n), dt(n) {}
    MarchSamples view() { return {x, y, z, t, dt}; }
};

MarchingRay ray_at(const OccupancyView& grid, std::array<float, 3> o, std::array<float, 3> d) {
    const auto in = ray_in_cube(grid, o, d);
    return {o, d, in.begin, in.end};
}

TEST(MarchRay, TakesExactlyTheStepsOfTheLatticeInOccupiedCells) {
    Grid grid(1);
    Rng rng(4);
    for (auto& brick : grid.bricks)
        if (rng.coin(0.2)) brick = rng.next() & rng.next();
    Samples out(4000);
    const StepRule rule(1.7320508f / 1024, 0, 1);
    std::size_t total = 0;
    for (int n = 0; n < 50; ++n) {
        std::array<float, 3> o{}, d{};
        float length = 0;
        for (std::size_t a = 0; a < 3; ++a) {
            o[a] = static_cast<float>(rng.uniform(-1, 2));
            d[a] = static_cast<float>(rng.uniform(0.3, 0.7)) - o[a];
            length += d[a] * d[a];
        }
        for (float& v : d) v /= std::sqrt(length);
        MarchingRay ray = ray_at(grid.view(), o, d);
        const float start = ray.t;
        const std::size_t count = march_ray(grid.view(), rule, ray, 4000, out.view(), 0);
        EXPECT_GE(ray.t, ray.end);
        total += count;
        // Every lattice point, without skipping; points at cell borders may fall to either side.
        std::size_t i = 0, differences = 0;
        for (double step = 0;; ++step) {
            const double t = static_cast<double>(start) + step * static_cast<double>(rule.smallest());
            if (t >= static_cast<double>(ray.end)) break;
            std::uint32_t cell[3];
            bool border = false;
            for (std::size_t a = 0; a < 3; ++a) {
                const double q = 128 * (static_cast<double>(o[a]) + t * static_cast<double>(d[a]));
                cell[a] = static_cast<std::uint32_t>(std::clamp(q, 0.0, 127.99));
                border |= std::abs(q - std::round(q)) < 2e-3;
            }
            const bool want = grid.at(0, occupancy_cell(cell[0], cell[1], cell[2]));
            const bool got = i < count && std::abs(static_cast<double>(out.t[i]) - t) < 0.25 * 0.0017;
            if (want != got && !border) ++differences;
            if (got) ++i;
        }
        EXPECT_EQ(differences, 0u);
        EXPECT_EQ(i, count);
    }
    EXPECT_GT(total, 1000u);
}

TEST(MarchRay, GoesOnWhereItStopped) {
    Grid grid(1);
    for (auto& brick : grid.bricks) brick = ~std::uint64_t{0};
    const StepRule rule(0.01f, 0, 1);
    Samples all(500), parts(500);
    MarchingRay one = ray_at(grid.view(), {-1, 0.3f, 0.4f}, {1, 0, 0}), two = one;
    const std::size_t n = march_ray(grid.view(), rule, one, 500, all.view(), 0);
    std::size_t m = 0;
    while (two.t < two.end) m += march_ray(grid.view(), rule, two, 7, parts.view(), m);
    EXPECT_EQ(n, m);
    EXPECT_EQ(all.t, parts.t);
    EXPECT_NEAR(static_cast<double>(n), 100, 1);
}

TEST(MarchRay, OuterCascadesHoldWhatIsOutsideTheInnerCube) {
    Grid grid(3);
    for (std::size_t i = 2 * kBricksPerCascade; i < 3 * kBricksPerCascade; ++i) grid.bricks[i] = ~std::uint64_t{0};
    const StepRule rule(1.7320508f / 1024, 1.0f / 256, 1.7f);
    Samples out(2000);
    MarchingRay ray = ray_at(grid.view(), {0.5f, 0.5f, 0.5f}, {1, 0, 0});
    EXPECT_NEAR(ray.end, 2.0f, 1e-6f);
    const std::size_t n = march_ray(grid.view(), rule, ray, 2000, out.view(), 0);
    ASSERT_GT(n, 10u);
    for (std::size_t i = 0; i < n; ++i) EXPECT_GE(out.t[i], 1.0f);  // cascade 2 begins at |p - 0.5| = 1
    EXPECT_NEAR(out.x[0], 0.5f + 0.25f * out.t[0], 1e-5f);
}

TEST(MarchRay, MissesAndEmptyGridsGiveNothing) {
    Grid grid(1);
    Samples out(10);
    MarchingRay miss = ray_at(grid.view(), {-1, 2, 0.5f}, {1, 0, 0});
    EXPECT_EQ(march_ray(grid.view(), StepRule(), miss, 10, out.view(), 0), 0u);
    MarchingRay empty = ray_at(grid.view(), {-1, 0.5f, 0.5f}, {1, 0, 0});
    EXPECT_EQ(march_ray(grid.view(), StepRule(), empty, 10, out.view(), 0), 0u);
    EXPECT_GE(empty.t, empty.end);
}

}  // namespace
}  // namespace nir::kernels
