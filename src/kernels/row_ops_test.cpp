// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/row_ops.h"

#include "nir/base/rng.h"

#include "kernels/row_ops_ref.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <limits>
#include <vector>

namespace nir::kernels {
namespace {

std::vector<float> random_values(std::size_t n, std::uint64_t seed, double lo = -1, double hi = 1) {
    Rng rng(seed);
    std::vector<float> out(n);
    for (float& v : out) v = static_cast<float>(rng.uniform(lo, hi));
    return out;
}

std::vector<double> doubles(const std::vector<float>& v) { return {v.begin(), v.end()}; }

struct Case {
    std::size_t rows, channels;
};
constexpr Case kCases[] = {{0, 5}, {1, 1}, {3, 7}, {2, 16}, {64, 17}, {65, 31}, {130, 33}, {7, 64}};

/// Every instruction set that this machine has.
class RowOps : public ::testing::TestWithParam<std::int64_t> {
protected:
    void SetUp() override { choose(GetParam()); }
    void TearDown() override { choose(0); }
    static void choose(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
};

template <class A, class B>
void expect_near(const A& got, const B& want, double tolerance, const Case& c) {
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], want[i], tolerance * (1 + std::abs(static_cast<double>(want[i]))))
            << c.rows << " rows, " << c.channels << " channels, value " << i;
}

TEST_P(RowOps, AffineReluAgreesWithThePlainLoopAndStaysInItsPlace) {
    for (const Case& c : kCases) {
        const std::size_t n = c.rows * c.channels;
        const auto all = random_values(n + 1, 1), scale = random_values(c.channels, 2),
                   shift = random_values(c.channels, 3);
        const std::span<const float> x = std::span(all).subspan(1);  // one float off: no alignment is assumed
        std::vector<float> y(n + 8, -7.0f);
        affine_relu(x, scale, shift, std::span(y).subspan(4, n));
        std::vector<double> want(n);
        affine_relu(doubles({x.begin(), x.end()}), doubles(scale), doubles(shift), want);
        for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(y[i] == -7.0f && y[n + 4 + i] == -7.0f);
        expect_near(std::vector<float>(y.begin() + 4, y.end() - 4), want, 1e-6, c);
        std::vector<float> in_place(x.begin(), x.end());
        affine_relu(in_place, scale, shift, in_place);
        EXPECT_TRUE(std::equal(in_place.begin(), in_place.end(), y.begin() + 4));
    }
}

TEST_P(RowOps, MomentsAgreeAndKeepTheDigitsOfASmallVariance) {
    for (const Case& c : kCases) {
        const auto x = random_values(c.rows * c.channels, 1, 1000, 1000.1),
                   pivot = random_values(c.channels, 2, 1000, 1000.1);
        std::vector<double> sum(c.channels, 3.0), square(c.channels, 4.0), want_sum = sum, want_square = square;
        add_moments(x, pivot, sum, square);
        add_moments(doubles(x), doubles(pivot), want_sum, want_square);
        expect_near(sum, want_sum, 1e-5, c);
        expect_near(square, want_square, 1e-5, c);
    }
}

TEST_P(RowOps, SumsOfTheWayBackAgree) {
    for (const Case& c : kCases) {
        const std::size_t n = c.rows * c.channels;
        const auto g = random_values(n, 1), y = random_values(n, 2), x = random_values(n, 3);
        const auto mean = random_values(c.channels, 4), inverse = random_values(c.channels, 5, 1, 3);
        auto got = g;
        auto want = doubles(g);
        std::vector<double> a(c.channels, 1.0), b(c.channels, 2.0), want_a = a, want_b = b;
        relu_norm_sums(got, y, x, mean, inverse, a, b);
        relu_norm_sums(want, doubles(y), doubles(x), doubles(mean), doubles(inverse), want_a, want_b);
        expect_near(got, want, 0, c);
        expect_near(a, want_a, 1e-5, c);
        expect_near(b, want_b, 1e-5, c);
    }
}

TEST_P(RowOps, BackwardThroughTheNormalisationAgrees) {
    for (const Case& c : kCases)
        for (const bool add : {false, true}) {
            const std::size_t n = c.rows * c.channels;
            const auto g = random_values(n, 1), x = random_values(n, 2), before = random_values(n, 3);
            const auto scale = random_values(c.channels, 4), offset = random_values(c.channels, 5),
                       slope = random_values(c.channels, 6), mean = random_values(c.channels, 7);
            auto d = before;
            auto want = doubles(before);
            norm_backward(g, x, scale, offset, slope, mean, d, add);
            norm_backward(doubles(g), doubles(x), doubles(scale), doubles(offset), doubles(slope), doubles(mean), want,
                          add);
            expect_near(d, want, 1e-6, c);
            auto in_place = g;
            norm_backward(in_place, x, scale, offset, slope, mean, in_place, false);
            if (!add) {
                EXPECT_EQ(in_place, d);
            }
        }
}

TEST_P(RowOps, MaximumIsTheFirstAndNotANumberWins) {
    for (const Case& c : kCases) {
        if (c.rows == 0) continue;
        auto x = random_values(c.rows * c.channels, 1);
        for (float& v : x) v = std::round(v * 4);  // many ties
        std::vector<float> best(c.channels);
        std::vector<double> want(c.channels);
        std::vector<std::int32_t> row(c.channels), want_row(c.channels);
        max_over_rows(x, best, row);
        max_over_rows(doubles(x), want, want_row);
        EXPECT_EQ(row, want_row);
        expect_near(best, want, 0, c);
        for (std::size_t k = 0; k < c.channels; ++k)
            for (std::size_t r = 0; r < c.rows; ++r) {
                EXPECT_LE(x[r * c.channels + k], best[k]);
                if (x[r * c.channels + k] == best[k]) {
                    EXPECT_GE(static_cast<std::int32_t>(r), row[k]);
                }
            }
        const std::size_t bad = c.rows / 2;
        x[bad * c.channels + c.channels - 1] = std::numeric_limits<float>::quiet_NaN();
        x[bad * c.channels] = std::numeric_limits<float>::quiet_NaN();
        max_over_rows(x, best, row);
        for (const std::size_t k : {std::size_t{0}, c.channels - 1}) {
            EXPECT_TRUE(std::isnan(best[k]));
            EXPECT_EQ(row[k], static_cast<std::int32_t>(bad));
        }
    }
}

TEST_P(RowOps, NotANumberStaysWhatItIs) {
    std::vector<float> x(33, 0.0f);
    x[3] = x[32] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> one(33, 1.0f);
    affine_relu(x, one, one, x);
    EXPECT_TRUE(std::isnan(x[3]) && std::isnan(x[32]));
    EXPECT_EQ(x[4], 1.0f);
}

INSTANTIATE_TEST_SUITE_P(Targets, RowOps, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace nir::kernels
