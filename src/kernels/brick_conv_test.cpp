// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/brick_conv.h"

#include "nir/kernels/plane_conv.h"

#include "kernels/brick_conv_ref.h"
#include "kernels/test_networks.h"

#include <limits>

namespace nir::kernels {
namespace {

struct ConvCase {
    std::size_t in, out, kernel, side, n;
};
constexpr ConvCase kCases[] = {
    {27, 32, 3, 8, 2},   // the finest level of the cascade
    {16, 64, 3, 4, 3},   // ... and below
    {12, 96, 3, 2, 5},   //
    {8, 128, 3, 1, 11},  // a cell a brick
    {96, 64, 1, 2, 3},   // lifts
    {32, 16, 1, 8, 1},   // the last one
    {5, 13, 3, 3, 2},    // nothing a multiple of anything
    {1, 1, 3, 1, 1},    {3, 33, 1, 1, 9}, {4, 40, 3, 2, 0},
};
constexpr float kGuard = -7.0f;

class BrickConvTest : public EveryTarget {};

TEST_P(BrickConvTest, AgreesWithThePlainLoopsInDouble) {
    for (const ConvCase& c : kCases) {
        Rng rng(c.in * 1000 + c.out);
        const std::size_t taps = c.kernel * c.kernel * c.kernel, t = c.side + c.kernel - 1;
        const auto weight = random_floats(c.out * c.in * taps, rng), bias = random_floats(c.out, rng);
        const std::size_t brick = t * t * t * c.in, cells = c.side * c.side * c.side * c.out;
        const auto x = random_floats(c.n * brick, rng);
        const BrickConv conv(weight, bias, c.in, c.out, c.kernel);
        const auto w64 = doubles(weight), b64 = doubles(bias), x64 = doubles(x);
        for (const bool relu : {false, true}) {
            std::vector<float> y(c.n * cells + 8, kGuard);
            conv.run(x, c.side, relu, std::span(y).subspan(4, c.n * cells));
            std::vector<double> want(cells);
            for (std::size_t i = 0; i < c.n; ++i) {
                brick_conv_ref<double>(w64, b64, c.in, c.kernel, std::span(x64).subspan(i * brick, brick), c.side, relu,
                                       want);
                for (std::size_t k = 0; k < cells; ++k)  // fp32 sums of up to 729 products of order 1
                    ASSERT_NEAR(y[4 + i * cells + k], want[k], 3e-5 * (1 + std::abs(want[k])))
                        << c.in << " -> " << c.out << ", brick " << i << ", value " << k;
            }
            for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(y[i] == kGuard && y[y.size() - 1 - i] == kGuard);
        }
    }
}

TEST_P(BrickConvTest, WeightGradientAgreesWithThePlainLoopsInDouble) {
    for (const ConvCase& c : kCases) {
        Rng rng(c.in * 1000 + c.out);
        const std::size_t taps = c.kernel * c.kernel * c.kernel, t = c.side + c.kernel - 1;
        const std::size_t brick = t * t * t * c.in, cells = c.side * c.side * c.side * c.out;
        const auto x = random_floats(c.n * brick, rng), g = random_floats(c.n * cells, rng);
        std::vector<float> sum(taps * c.in * c.out + 1, 0.5f);
        add_brick_conv_gradient(x, g, c.side, c.kernel, c.in, c.out, std::span(sum).first(sum.size() - 1));
        const auto x64 = doubles(x), g64 = doubles(g);
        std::vector<double> want(sum.size() - 1, 0.5);
        for (std::size_t i = 0; i < c.n; ++i)
            add_brick_conv_gradient_ref<double>(std::span(x64).subspan(i * brick, brick),
                                                std::span(g64).subspan(i * cells, cells), c.side, c.kernel, c.in, c.out,
                                                want);
        for (std::size_t k = 0; k < want.size(); ++k)
            ASSERT_NEAR(sum[k], want[k], 3e-5 * (1 + std::abs(want[k]))) << c.in << " -> " << c.out << ", value " << k;
        EXPECT_EQ(sum.back(), 0.5f);
    }
}

// sum(g * conv(x)) is linear in the weights: its derivative is the difference of two values, whatever the step.
TEST_P(BrickConvTest, WeightGradientIsTheSlopeOfTheConvolution) {
    Rng rng(8);
    constexpr std::size_t kIn = 9, kOut = 17, kSide = 2;
    auto weight = random_floats(kOut * kIn * 27, rng);
    const auto bias = random_floats(kOut, rng), x = random_floats(64 * kIn, rng), g = random_floats(8 * kOut, rng);
    std::vector<float> slope(27 * kIn * kOut);
    add_brick_conv_gradient(x, g, kSide, 3, kIn, kOut, slope);
    const auto loss = [&] {
        std::vector<float> y(8 * kOut);
        BrickConv(weight, bias, kIn, kOut, 3).run(x, kSide, false, y);
        double sum = 0;
        for (std::size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * double{g[i]};
        return sum;
    };
    const double before = loss();
    for (int trial = 0; trial < 20; ++trial) {
        const std::size_t o = rng.below(kOut), i = rng.below(kIn), k = rng.below(27);
        float& w = weight[(o * kIn + i) * 27 + k];
        const float kept = w;
        w += 1;
        EXPECT_NEAR(loss() - before, slope[(k * kIn + i) * kOut + o], 2e-4) << o << " " << i << " " << k;
        w = kept;
    }
}

TEST_P(BrickConvTest, ACellDoesNotDependOnItsCompany) {
    Rng rng(3);
    const auto weight = random_floats(40 * 6 * 27, rng), bias = random_floats(40, rng);
    const BrickConv conv(weight, bias, 6, 40, 3);
    const auto x = random_floats(7 * 27 * 6, rng);
    std::vector<float> together(7 * 40), one(40);
    conv.run(x, 1, true, together);
    for (std::size_t i = 0; i < 7; ++i) {
        conv.run(std::span(x).subspan(i * 27 * 6, 27 * 6), 1, true, one);
        EXPECT_TRUE(std::equal(one.begin(), one.end(), together.begin() + static_cast<std::ptrdiff_t>(i * 40)));
    }
}

TEST_P(BrickConvTest, NotANumberComesOut) {
    Rng rng(3);
    const auto weight = random_floats(32 * 4, rng), bias = random_floats(32, rng);
    const BrickConv conv(weight, bias, 4, 32, 1);
    auto x = random_floats(8 * 4, rng);
    x[4 * 3 + 2] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> y(8 * 32);
    conv.run(x, 2, true, y);
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(std::isnan(y[i]), i / 32 == 3) << i;
}

TEST_P(BrickConvTest, PlanesAgreeWithThePlainLoopsInDouble) {
    struct Case {
        std::size_t in, out, kernel, height, width;
    };
    for (const Case& c : {Case{32, 32, 3, 4, 64}, Case{64, 128, 3, 2, 8}, Case{5, 13, 3, 3, 7}, Case{16, 24, 1, 2, 5},
                          Case{1, 1, 3, 1, 1}}) {
        Rng rng(c.in * 1000 + c.out);
        const std::size_t k = c.kernel, along = c.width + k - 1;
        const auto weight = random_floats(c.out * c.in * k * k, rng), bias = random_floats(c.out, rng);
        const auto x = random_floats((c.height + k - 1) * along * c.in, rng);
        const PlaneConv conv(weight, bias, c.in, c.out, k);
        for (const bool relu : {false, true}) {
            std::vector<float> y(c.height * c.width * c.out + 1, kGuard);
            conv.run(x, c.height, c.width, relu, std::span(y).first(y.size() - 1));
            for (std::size_t cell = 0; cell < c.height * c.width; ++cell)
                for (std::size_t o = 0; o < c.out; ++o) {
                    double want = double{bias[o]};
                    for (std::size_t t = 0; t < k * k; ++t)
                        for (std::size_t i = 0; i < c.in; ++i) {
                            const std::size_t at = (cell / c.width + t / k) * along + cell % c.width + t % k;
                            want += double{weight[(o * c.in + i) * k * k + t]} * double{x[at * c.in + i]};
                        }
                    if (relu) want = std::max(want, 0.0);
                    ASSERT_NEAR(y[cell * c.out + o], want, 3e-5 * (1 + std::abs(want))) << c.in << " -> " << c.out;
                }
            EXPECT_EQ(y.back(), kGuard);
        }
    }
}

TEST(BrickConvSizes, AreChecked) {
    const std::vector<float> weight(27 * 4), bias(4);
    EXPECT_ANY_THROW(BrickConv(weight, bias, 1, 5, 3));
    EXPECT_ANY_THROW(BrickConv(weight, bias, 1, 4, 2));
    const BrickConv conv(weight, bias, 1, 4, 3);
    std::vector<float> x(27), y(5);
    EXPECT_ANY_THROW(conv.run(x, 1, false, y));
    EXPECT_ANY_THROW(add_brick_conv_gradient(x, bias, 1, 3, 1, 4, y));
}

INSTANTIATE_TEST_SUITE_P(Targets, BrickConvTest, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace nir::kernels
