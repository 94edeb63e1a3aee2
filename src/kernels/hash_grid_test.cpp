// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/hash_grid.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"

#include "kernels/hash_grid_ref.h"
#include "kernels/simd_targets_test.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>
#include <vector>

namespace nir::kernels {
namespace {

HashGridLayout layout_of(int levels, int features, int log2_entries, double aabb_scale) {
    return hash_grid_layout({levels, features, log2_entries, 16, 2048 * aabb_scale});
}

TEST(HashGridLayout, SizesOfThePublishedConfigurations) {
    const auto sides = [](const HashGridLayout& layout) {
        std::vector<std::uint32_t> out;
        for (const auto& level : layout.levels) out.push_back(level.resolution);
        return out;
    };
    EXPECT_EQ(layout_of(8, 4, 19, 1).parameters(), 11'681'792u);
    EXPECT_EQ(sides(layout_of(8, 4, 19, 1)), (std::vector<std::uint32_t>{16, 32, 64, 128, 256, 512, 1024, 2048}));
    EXPECT_EQ(layout_of(8, 4, 19, 4).parameters(), 12'855'296u);
    EXPECT_EQ(layout_of(8, 4, 19, 16).parameters(), 13'041'664u);
    EXPECT_EQ(layout_of(16, 2, 19, 1).parameters(), 12'196'240u);
    EXPECT_EQ(sides(layout_of(16, 2, 19, 1)), (std::vector<std::uint32_t>{16, 23, 31, 43, 59, 81, 112, 154, 213, 295,
                                                                          407, 562, 777, 1073, 1483, 2048}));
    EXPECT_EQ(layout_of(16, 2, 19, 4).parameters(), 13'074'912u);
    EXPECT_EQ(layout_of(16, 2, 19, 16).parameters(), 13'623'184u);
    EXPECT_EQ(layout_of(8, 4, 17, 1).parameters(), 3'293'184u);
    EXPECT_EQ(layout_of(8, 4, 15, 1).parameters(), 933'888u);
    // A plane: 16², 32², … 2048² beyond 2^19, which are hashed.
    const HashGridLayout plane = hash_grid_layout({8, 2, 19, 16, 2048, 2});
    EXPECT_EQ(plane.levels[5].entries, 512u * 512u);
    EXPECT_FALSE(plane.levels[5].hashed);
    EXPECT_TRUE(plane.levels[6].hashed);
    EXPECT_THROW(hash_grid_layout({8, 4, 19, 16, 2048, 4}), Error);
    EXPECT_THROW(hash_grid_layout({0, 4, 19, 16, 2048}), Error);
    EXPECT_THROW(hash_grid_layout({8, 3, 19, 16, 2048}), Error);
    EXPECT_THROW(hash_grid_layout({8, 4, 19, 16, 8}), Error);
}

TEST(HashGridLayout, HashesOfThePublishedPrimes) {
    HashGridLevel level;
    level.hashed = true, level.entries = 1u << 19;
    const auto at = [&](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return hash_grid_entry(level, x, y, z); };
    EXPECT_EQ(at(1, 0, 0), 1u);
    EXPECT_EQ(at(0, 1, 0), 489905u);
    EXPECT_EQ(at(0, 0, 1), 153493u);
    EXPECT_EQ(at(1, 2, 3), 128476u);
    EXPECT_EQ(at(7, 7, 7), 276163u);
    EXPECT_EQ(at(100, 200, 300), 110768u);
    EXPECT_EQ(at(511, 512, 513), 189034u);
    EXPECT_EQ(at(2047, 2047, 2047), 285147u);
    EXPECT_EQ(at(12345, 23456, 31000), 27489u);
}

/// Points, a table whose values are halves, and gradients.
struct Case {
    HashGridLayout layout;
    std::vector<float> x, y, z, table, dL_dy;
    std::vector<std::uint16_t> half;

    Case(const HashGridConfig& config, std::size_t n) : layout(hash_grid_layout(config)) {
        Rng rng(7);
        const auto fill = [&](std::vector<float>& v, std::size_t size, double lo, double hi) {
            v.resize(size);
            for (float& value : v) value = static_cast<float>(rng.uniform(lo, hi));
        };
        fill(x, n, 0, 1), fill(y, n, 0, 1), fill(z, n, 0, 1);
        fill(table, layout.parameters(), -1, 1), fill(dL_dy, n * layout.width(), -1, 1);
        half.resize(table.size());
        to_half(table, half);
        from_half(half, table);
    }
    PointArrays points() const {
        return {x, y, layout.dimensions == 3 ? std::span<const float>(z) : std::span<const float>()};
    }
    template <class Real>
    std::array<Real, 3> point(std::size_t i) const {
        return {static_cast<Real>(x[i]), static_cast<Real>(y[i]), static_cast<Real>(z[i])};
    }
};

/// Float rounding moves a point of the finest lattice by scale * 2^-24, and with it a weight.
constexpr double kTolerance = 2e-4;
/// Features and dimensions.
constexpr std::array<std::pair<int, int>, 4> kKinds{{{4, 3}, {2, 3}, {4, 2}, {2, 2}}};

class HashGridKernel : public SimdTargetTest {};

TEST_P(HashGridKernel, ForwardIsTheReferenceInDouble) {
    for (const auto& [features, dimensions] : kKinds)
        for (const std::size_t n : {0u, 1u, 3u, 15u, 16u, 17u, 100u}) {
            const Case c({6, features, 10, 8, 300, dimensions}, n);
            const std::size_t stride = c.layout.width() + 3;
            std::vector<float> out(n * stride, -7.0f), from_float = out;
            hash_grid_forward(c.layout, c.points(), c.half, out, stride);
            hash_grid_forward(c.layout, c.points(), c.table, from_float, stride);
            EXPECT_EQ(out, from_float);
            const std::vector<double> table(c.table.begin(), c.table.end());
            std::vector<double> want(c.layout.width());
            for (std::size_t i = 0; i < n; ++i) {
                hash_grid_forward_ref(c.layout, c.point<double>(i), table.data(), want.data());
                for (std::size_t k = 0; k < want.size(); ++k) EXPECT_NEAR(out[i * stride + k], want[k], kTolerance);
                for (std::size_t k = want.size(); k < stride; ++k) EXPECT_EQ(out[i * stride + k], -7.0f);
            }
        }
}

TEST_P(HashGridKernel, OutsideAndNotANumberAreClamped) {
    Case c({4, 4, 10, 8, 100}, 4);
    c.x = {-3, 0, 2, 1}, c.y = {0.5f, 0.5f, 0.25f, 0.25f};
    c.z = {std::nanf(""), 0, 1, 1};
    std::vector<float> out(4 * c.layout.width());
    hash_grid_forward(c.layout, c.points(), c.half, out, c.layout.width());
    for (std::size_t k = 0; k < c.layout.width(); ++k) {
        EXPECT_EQ(out[k], out[c.layout.width() + k]);
        EXPECT_EQ(out[2 * c.layout.width() + k], out[3 * c.layout.width() + k]);
    }
}

TEST_P(HashGridKernel, ScatterIsTheReferenceInDouble) {
    for (const auto& [features, dimensions] : kKinds)
        for (const std::size_t n : {0u, 1u, 17u, 100u}) {
            const Case c({6, features, 10, 8, 300, dimensions}, n);
            const auto f = static_cast<std::size_t>(features);
            std::vector<double> want(c.table.size()), dy(c.dL_dy.begin(), c.dL_dy.end());
            for (std::size_t i = 0; i < n; ++i)
                hash_grid_backward_ref(c.layout, c.point<double>(i), dy.data() + i * c.layout.width(), want.data());
            for (std::size_t l = 0; l < c.layout.levels.size(); ++l) {
                const auto& level = c.layout.levels[l];
                std::vector<float> level_dy;
                for (std::size_t i = 0; i < n; ++i)
                    for (std::size_t k = 0; k < f; ++k) level_dy.push_back(c.dL_dy[i * c.layout.width() + l * f + k]);
                std::vector<float> gradient(level.entries * f);
                std::vector<std::uint8_t> touched(level.entries / kHashGridBlock + 1);
                hash_grid_scatter(c.layout, l, c.points(), level_dy, gradient, touched);
                for (std::size_t k = 0; k < gradient.size(); ++k) {
                    EXPECT_NEAR(gradient[k], want[level.offset * f + k], 10 * kTolerance);
                    if (gradient[k] != 0) {
                        EXPECT_EQ(touched[k / f / kHashGridBlock], 1);
                    }
                }
            }
        }
}

INSTANTIATE_TEST_SUITE_P(Targets, HashGridKernel, all_simd_targets(), simd_target_name);

TEST(HashGridReference, GradientsAreFiniteDifferences) {
    const Case c({5, 4, 9, 8, 60}, 20);
    std::vector<double> table(c.table.begin(), c.table.end());
    const auto loss = [&](const std::array<double, 3>& p, const double* dy) {
        std::vector<double> out(c.layout.width());
        hash_grid_forward_ref(c.layout, p, table.data(), out.data());
        return std::inner_product(out.begin(), out.end(), dy, 0.0);
    };
    std::vector<float> by_kernel(60);
    hash_grid_input_gradient(c.layout, c.points(), c.table, c.dL_dy, c.layout.width(), by_kernel);
    for (std::size_t i = 0; i < 20; ++i) {
        const std::vector<double> dy(c.dL_dy.begin() + static_cast<std::ptrdiff_t>(i * c.layout.width()),
                                     c.dL_dy.begin() + static_cast<std::ptrdiff_t>((i + 1) * c.layout.width()));
        auto p = c.point<double>(i);
        const auto slope = hash_grid_input_gradient_ref(c.layout, p, table.data(), dy.data());
        for (std::size_t a = 0; a < 3; ++a) {
            const double h = 1e-7, before = p[a];
            p[a] = before + h;
            const double up = loss(p, dy.data());
            p[a] = before - h;
            const double down = loss(p, dy.data());
            p[a] = before;
            EXPECT_NEAR(slope[a], (up - down) / (2 * h), 1e-5);
            EXPECT_NEAR(by_kernel[3 * i + a], slope[a], 0.02);  // float: slopes of 60 times values of 1
        }
        std::vector<double> gradient(table.size());
        hash_grid_backward_ref(c.layout, p, dy.data(), gradient.data());
        for (std::size_t k = i; k < table.size(); k += 97) {
            const double before = table[k];
            table[k] = before + 1;  // the encoding is linear in the table
            const double up = loss(p, dy.data());
            table[k] = before;
            EXPECT_NEAR(gradient[k], up - loss(p, dy.data()), 1e-12);
        }
    }
}

TEST(HashGridReference, ALinearFunctionOnADenseLevelIsReproduced) {
    const HashGridLayout layout = hash_grid_layout({1, 2, 19, 17, 17});
    const HashGridLevel& level = layout.levels[0];
    std::vector<double> table(layout.parameters());
    for (std::uint32_t z = 0; z < 17; ++z)
        for (std::uint32_t y = 0; y < 17; ++y)
            for (std::uint32_t x = 0; x < 17; ++x)
                table[hash_grid_entry(level, x, y, z) * 2] = 2.0 * x - 3.0 * y + 0.5 * z;
    Rng rng(3);
    for (int i = 0; i < 50; ++i) {
        const std::array<double, 3> p{rng.uniform(0, 0.95), rng.uniform(0, 0.95), rng.uniform(0, 0.95)};
        double out[2];
        hash_grid_forward_ref(layout, p, table.data(), out);
        const auto q = [&](std::size_t a) { return 16 * p[a] + 0.5; };
        EXPECT_NEAR(out[0], 2 * q(0) - 3 * q(1) + 0.5 * q(2), 1e-10);
    }
}

}  // namespace
}  // namespace nir::kernels
