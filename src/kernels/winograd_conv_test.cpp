// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/winograd_conv.h"

#include "kernels/brick_conv_ref.h"
#include "kernels/test_networks.h"

#include <limits>

namespace nir::kernels {
namespace {

struct WinogradCase {
    std::size_t in, out, side, n;
};
constexpr WinogradCase kCases[] = {
    {27, 32, 8, 2},                  // the finest level of the cascade: more tiles than are taken at once
    {16, 64, 4, 3}, {96, 33, 2, 5},  // ... and below; tiles that do not fill eight
    {5, 13, 6, 2},  {1, 1, 2, 1},    // nothing a multiple of anything, fewer inputs than lanes
    {9, 40, 2, 0},
};
constexpr float kGuard = -7.0f;

class WinogradConvTest : public EveryTarget {};

TEST_P(WinogradConvTest, AgreesWithThePlainLoopsInDouble) {
    for (const WinogradCase& c : kCases) {
        Rng rng(c.in * 1000 + c.out);
        const auto weight = random_floats(c.out * c.in * 27, rng), bias = random_floats(c.out, rng);
        const std::size_t t = c.side + 2, brick = t * t * t * c.in, cells = c.side * c.side * c.side * c.out;
        const auto x = random_floats(c.n * brick, rng);
        const WinogradConv conv(weight, bias, c.in, c.out);
        const auto w64 = doubles(weight), b64 = doubles(bias), x64 = doubles(x);
        for (const bool relu : {false, true}) {
            std::vector<float> y(c.n * cells + 8, kGuard);
            conv.run(x, c.side, relu, std::span(y).subspan(4, c.n * cells));
            std::vector<double> want(cells);
            for (std::size_t i = 0; i < c.n; ++i) {
                brick_conv_ref<double>(w64, b64, c.in, 3, std::span(x64).subspan(i * brick, brick), c.side, relu, want);
                for (std::size_t k = 0; k < cells; ++k)  // a few times the error of sums in order
                    ASSERT_NEAR(y[4 + i * cells + k], want[k], 1e-4 * (1 + std::abs(want[k])))
                        << c.in << " -> " << c.out << ", brick " << i << ", value " << k;
            }
            for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(y[i] == kGuard && y[y.size() - 1 - i] == kGuard);
        }
    }
}

TEST_P(WinogradConvTest, WeightGradientAgreesWithThePlainLoopsInDouble) {
    for (const WinogradCase& c : kCases) {
        Rng rng(c.in * 1000 + c.out);
        const std::size_t t = c.side + 2, brick = t * t * t * c.in, cells = c.side * c.side * c.side * c.out;
        const auto x = random_floats(c.n * brick, rng), g = random_floats(c.n * cells, rng);
        std::vector<float> got(27 * c.in * c.out + 1, kGuard);
        for (std::size_t block = 0; block * kWinogradOutputs < c.out; ++block) {
            std::vector<float> sum(winograd_gradient_size(c.in));
            // In two calls that add up.
            const std::size_t half = c.n / 2;
            add_winograd_gradient(std::span(x).first(half * brick), std::span(g).first(half * cells), c.side, c.in,
                                  c.out, block, sum);
            add_winograd_gradient(std::span(x).subspan(half * brick), std::span(g).subspan(half * cells), c.side, c.in,
                                  c.out, block, sum);
            finish_winograd_gradient(sum, c.in, c.out, block, std::span(got).first(got.size() - 1));
        }
        const auto x64 = doubles(x), g64 = doubles(g);
        std::vector<double> want(got.size() - 1);
        for (std::size_t i = 0; i < c.n; ++i)
            add_brick_conv_gradient_ref<double>(std::span(x64).subspan(i * brick, brick),
                                                std::span(g64).subspan(i * cells, cells), c.side, 3, c.in, c.out, want);
        for (std::size_t k = 0; k < want.size(); ++k)
            ASSERT_NEAR(got[k], want[k], 2e-4 * (1 + std::abs(want[k]))) << c.in << " -> " << c.out << ", value " << k;
        EXPECT_EQ(got.back(), kGuard);
    }
}

// sum(g * conv(x)) is linear in x: its derivative is the difference of two values, whatever the step.
TEST_P(WinogradConvTest, BackwardIsTheSlopeOfTheConvolution) {
    constexpr std::size_t kIn = 9, kOut = 17, kFirst = 2, kSide = 4, kAlong = kSide + 2;
    Rng rng(8);
    const auto weight = random_floats(kOut * kIn * 27, rng), bias = random_floats(kOut, rng);
    auto x = random_floats(kAlong * kAlong * kAlong * kIn, rng);
    const auto g = random_floats(kSide * kSide * kSide * kOut, rng);
    // Zeros around the derivatives, and cells of x that are no one's neighbours but the inner ones.
    std::vector<float> around(kAlong * kAlong * kAlong * kOut), slope(kSide * kSide * kSide * (kIn - kFirst));
    const auto inner = [](std::size_t i) {
        return ((i / (kSide * kSide) + 1) * kAlong + i / kSide % kSide + 1) * kAlong + i % kSide + 1;
    };
    for (std::size_t i = 0; i < kSide * kSide * kSide; ++i)
        for (std::size_t o = 0; o < kOut; ++o) around[inner(i) * kOut + o] = g[i * kOut + o];
    WinogradConv::backward(weight, kIn, kOut, kFirst).run(around, kSide, false, slope);
    const WinogradConv conv(weight, bias, kIn, kOut);
    const auto loss = [&] {
        std::vector<float> y(g.size());
        conv.run(x, kSide, false, y);
        double sum = 0;
        for (std::size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * double{g[i]};
        return sum;
    };
    const double before = loss();
    for (int trial = 0; trial < 20; ++trial) {
        const std::size_t cell = rng.below(kSide * kSide * kSide), c = kFirst + rng.below(kIn - kFirst);
        float& value = x[inner(cell) * kIn + c];
        const float kept = value;
        value += 1;
        EXPECT_NEAR(loss() - before, slope[cell * (kIn - kFirst) + c - kFirst], 1e-3) << cell << " " << c;
        value = kept;
    }
}

TEST_P(WinogradConvTest, BitsDoNotDependOnOtherBricks) {
    Rng rng(3);
    const auto weight = random_floats(40 * 6 * 27, rng), bias = random_floats(40, rng);
    const WinogradConv conv(weight, bias, 6, 40);
    const auto x = random_floats(7 * 64 * 6, rng);
    std::vector<float> together(7 * 8 * 40), one(8 * 40);
    conv.run(x, 2, true, together);
    for (std::size_t i = 0; i < 7; ++i) {
        conv.run(std::span(x).subspan(i * 64 * 6, 64 * 6), 2, true, one);
        EXPECT_TRUE(std::equal(one.begin(), one.end(), together.begin() + static_cast<std::ptrdiff_t>(i * 8 * 40)));
    }
}

TEST_P(WinogradConvTest, NotANumberComesOut) {
    Rng rng(3);
    const auto weight = random_floats(32 * 4 * 27, rng), bias = random_floats(32, rng);
    auto x = random_floats(64 * 4, rng);
    x[4 * 21 + 2] = std::numeric_limits<float>::quiet_NaN();  // the cell (1, 1, 1): a neighbour of all eight
    std::vector<float> y(8 * 32);
    WinogradConv(weight, bias, 4, 32).run(x, 2, true, y);
    for (const float v : y) EXPECT_TRUE(std::isnan(v));
}

TEST(WinogradConvSizes, AreChecked) {
    const std::vector<float> weight(27 * 4), bias(4);
    EXPECT_ANY_THROW(WinogradConv(weight, bias, 1, 5));
    EXPECT_ANY_THROW(WinogradConv::backward(weight, 4, 1, 4));
    const WinogradConv conv(weight, bias, 1, 4);
    std::vector<float> x(64), y(32), odd(27 * 4), sum(winograd_gradient_size(1));
    EXPECT_NO_THROW(conv.run(x, 2, false, y));
    EXPECT_ANY_THROW(conv.run(std::span(x).first(63), 2, false, y));
    EXPECT_ANY_THROW(conv.run(std::vector<float>(125), 3, false, odd));
    EXPECT_ANY_THROW(add_winograd_gradient(x, y, 2, 1, 4, 1, sum));
    EXPECT_ANY_THROW(finish_winograd_gradient(sum, 1, 4, 0, y));
}

INSTANTIATE_TEST_SUITE_P(Targets, WinogradConvTest, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace nir::kernels
