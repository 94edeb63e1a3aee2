// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/chamfer.h"

#include "nir/base/rng.h"

#include "kernels/chamfer_ref.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace nir::kernels {
namespace {

std::vector<float> random_points(std::size_t n, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<float> out(3 * n);
    for (float& v : out) v = static_cast<float>(rng.uniform(-0.5, 0.5));
    return out;
}

struct Nearest {
    std::vector<float> squared;
    std::vector<std::int32_t> index;
};

/// Runs the kernel between guard words and checks that they stay.
Nearest nearest(std::span<const float> from, std::span<const float> to) {
    const std::size_t n = from.size() / 3;
    Nearest out{std::vector<float>(n + 8, -7.0f), std::vector<std::int32_t>(n + 8, -7)};
    nearest_points(from, to, std::span(out.squared).subspan(4, n), std::span(out.index).subspan(4, n));
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(out.squared[i], -7.0f);
        EXPECT_EQ(out.squared[n + 4 + i], -7.0f);
        EXPECT_EQ(out.index[i], -7);
        EXPECT_EQ(out.index[n + 4 + i], -7);
    }
    return {{out.squared.begin() + 4, out.squared.end() - 4}, {out.index.begin() + 4, out.index.end() - 4}};
}

/// Every instruction set that this machine has.
class NearestPoints : public ::testing::TestWithParam<std::int64_t> {
protected:
    void SetUp() override { choose(GetParam()); }
    void TearDown() override { choose(0); }
    static void choose(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
};

TEST_P(NearestPoints, AgreesWithThePlainLoop) {
    for (const std::size_t n : {0u, 1u, 3u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 32u, 33u, 43u, 258u})
        for (const std::size_t m : {1u, 2u, 5u, 64u, 131u}) {
            const auto from = random_points(n + 1, 1 + n), to = random_points(m, 100 + m);
            // One float off the start: no alignment is assumed.
            const std::span<const float> f = std::span(from).subspan(1, 3 * n);
            const Nearest got = nearest(f, to);
            std::vector<float> squared(n);
            std::vector<std::int32_t> index(n);
            nearest_points_ref<float>(f, to, squared, index);
            for (std::size_t i = 0; i < n; ++i) {
                // Fused multiplications round differently; a near tie may then go to the other point.
                ASSERT_NEAR(got.squared[i], squared[i], 1e-6f * squared[i] + 1e-12f) << n << " " << m << " " << i;
                if (got.index[i] == index[i]) continue;
                const auto j = static_cast<std::size_t>(got.index[i]);
                ASSERT_LT(j, m);
                double d = 0;
                for (std::size_t k = 0; k < 3; ++k)
                    d += std::pow(static_cast<double>(f[3 * i + k]) - static_cast<double>(to[3 * j + k]), 2);
                ASSERT_NEAR(d, squared[i], 1e-6 * squared[i] + 1e-12);
            }
        }
}

TEST_P(NearestPoints, TiesGoToTheFirst) {
    const auto to = random_points(20, 3);
    std::vector<float> thrice = to;
    thrice.insert(thrice.end(), to.begin(), to.end());
    thrice.insert(thrice.end(), to.begin(), to.end());
    const Nearest same = nearest(to, thrice);
    for (std::size_t i = 0; i < 20; ++i) {
        EXPECT_EQ(same.index[i], static_cast<std::int32_t>(i));
        EXPECT_EQ(same.squared[i], 0.0f);
    }
    // Four corners of a square, all equally far.
    const std::vector<float> corners{1, 1, 0, -1, 1, 0, 1, -1, 0, -1, -1, 0}, middle(3 * 11, 0.0f);
    for (const std::int32_t index : nearest(middle, corners).index) EXPECT_EQ(index, 0);
}

TEST_P(NearestPoints, BitsDoNotDependOnThePlaceInTheSet) {
    const auto from = random_points(57, 5), to = random_points(40, 6);
    const Nearest whole = nearest(from, to);
    for (std::size_t i = 0; i < 57; ++i) {
        const Nearest one = nearest(std::span(from).subspan(3 * i, 3), to);
        EXPECT_EQ(one.squared[0], whole.squared[i]);
        EXPECT_EQ(one.index[0], whole.index[i]);
    }
}

TEST_P(NearestPoints, WhatIsNotFiniteIsNeverNearest) {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const std::vector<float> from{0, 0, 0, nan, 0, 0}, to{nan, 0, 0, 3, 0, 0, 0, inf, 0, 2, 0, 0};
    const Nearest got = nearest(from, to);
    EXPECT_EQ(got.index[0], 3);
    EXPECT_EQ(got.squared[0], 4.0f);
    EXPECT_EQ(got.index[1], 0);
    EXPECT_EQ(got.squared[1], inf);
    const Nearest nothing = nearest(from, {});
    EXPECT_EQ(nothing.squared[0], inf);
    EXPECT_EQ(nothing.index[0], 0);
}

INSTANTIATE_TEST_SUITE_P(Targets, NearestPoints, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

TEST(NearestPointsBackward, AddsToWhatIsThere) {
    const std::vector<double> from{1, 2, 3, 0, 0, 0}, to{0, 0, 1, 9, 9, 9};
    const std::vector<std::int32_t> index{0, 0};
    const std::vector<double> weight{0.5, 2};
    std::vector<double> a(6, 1.0), b(6, 1.0);
    nearest_points_backward(from, to, index, weight, a, b);
    // 2 w (from - to): (1, 2, 2) and (0, 0, -4).
    EXPECT_EQ(a, (std::vector<double>{2, 3, 3, 1, 1, -3}));
    EXPECT_EQ(b, (std::vector<double>{0, -1, 3, 1, 1, 1}));
    nearest_points_backward(from, to, index, weight, {}, b);
    EXPECT_EQ(b[1], -3);
    nearest_points_backward(from, to, index, weight, a, {});
    EXPECT_EQ(a[0], 3);
}

}  // namespace
}  // namespace nir::kernels
