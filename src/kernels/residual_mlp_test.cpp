// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/residual_mlp.h"

#include "kernels/residual_mlp_ref.h"
#include "kernels/test_networks.h"

#include <algorithm>
#include <limits>

namespace nir::kernels {
namespace {

constexpr NetworkCase kCases[] = {
    {3, 32, 32, 1, 5},                  // the local decoder
    {0, 16, 32, 1, 2, false, 0, true},  // the cascade's
    {3, 0, 64, 1, 2, true},             // folded normalisations
    {3, 32, 48, 4, 3, true, 0.2f},      // several outputs, leaky
    {60, 24, 40, 1, 1},                 // a point told by sines
    {5, 7, 13, 2, 2, false, 0.2f},      // nothing a multiple of anything
    {3, 2, 9, 1, 0, true, 0, true},     // no block
    {3, 8, 1, 1, 1},
};
constexpr std::size_t kCounts[] = {0, 1, 3, 15, 16, 17, 47, 48, 49, 100};
constexpr float kGuard = -7.0f;

class ResidualMlpTest : public EveryTarget {};

struct Told {
    std::vector<float> q, c;
    Told(const NetworkCase& net, std::size_t n, std::uint64_t seed) {
        Rng rng(seed);
        q = random_floats(n * net.inputs, rng), c = random_floats(n * net.features, rng);
    }
};

TEST_P(ResidualMlpTest, ValuesAgreeWithThePlainLoopsInDouble) {
    for (const NetworkCase& net : kCases) {
        const auto network = random_network(net, 1);
        const auto exact = in_double(network);
        const ResidualMlp mlp(network);
        for (const std::size_t n : kCounts) {
            const Told told(net, n, n + 2);
            std::vector<float> out(n * net.outputs + 8, kGuard);
            mlp.values(told.q, told.c, std::span(out).subspan(4, n * net.outputs));
            const auto q = doubles(told.q), c = doubles(told.c);
            std::vector<double> want(net.outputs);
            for (std::size_t i = 0; i < n; ++i) {
                residual_mlp_ref<double>(exact, std::span(q).subspan(i * net.inputs, net.inputs),
                                         std::span(c).subspan(i * net.features, net.features), want);
                for (std::size_t o = 0; o < net.outputs; ++o)  // fp32 sums of up to 100 products a layer
                    ASSERT_NEAR(out[4 + i * net.outputs + o], want[o], 2e-5 * (1 + std::abs(want[o])))
                        << "hidden " << net.hidden << ", point " << i << " of " << n;
            }
            for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(out[i] == kGuard && out[out.size() - 1 - i] == kGuard);
        }
    }
}

/// Finite differences in double of the plain loops; away from kinks they agree to 1e-4.
TEST_P(ResidualMlpTest, GradientsAgreeWithFiniteDifferences) {
    for (const NetworkCase& net : kCases) {
        const auto network = random_network(net, 3);
        const auto exact = in_double(network);
        const ResidualMlp mlp(network);
        const std::size_t n = 53, output = net.outputs - 1;
        const Told told(net, n, 5);
        std::vector<float> out(n * net.outputs), dq(told.q.size()), dc(told.c.size()), values(out.size());
        mlp.gradients(told.q, told.c, output, out, dq, dc);
        mlp.values(told.q, told.c, values);
        EXPECT_EQ(out, values);
        auto q = doubles(told.q), c = doubles(told.c);
        std::size_t off = 0, all = 0;
        const auto check = [&](std::vector<double>& x, const std::vector<float>& got, std::size_t width) {
            std::vector<double> up(net.outputs), down(net.outputs);
            for (std::size_t k = 0; k < x.size(); ++k) {
                const std::size_t i = k / width;
                const auto at = [&](double shift, std::vector<double>& to) {
                    const double was = x[k];
                    x[k] = was + shift;
                    residual_mlp_ref<double>(exact, std::span(q).subspan(i * net.inputs, net.inputs),
                                             std::span(c).subspan(i * net.features, net.features), to);
                    x[k] = was;
                };
                constexpr double kStep = 1e-6;
                at(kStep, up), at(-kStep, down);
                const double want = (up[output] - down[output]) / (2 * kStep);
                off += std::abs(got[k] - want) > 1e-4 * (1 + std::abs(want)) ? 1u : 0u;
                ++all;
            }
        };
        if (net.inputs) check(q, dq, net.inputs);
        if (net.features) check(c, dc, net.features);
        // A kink within 1e-6 of a point, or within the rounding of fp32, changes all derivatives of that point.
        EXPECT_LE(off, all / 50) << "hidden " << net.hidden;
    }
}

TEST_P(ResidualMlpTest, NotANumberComesOutAndStaysWithItsPoint) {
    const NetworkCase net{3, 16, 32, 1, 2};
    const ResidualMlp mlp(random_network(net, 1));
    Told told(net, 50, 2);
    std::vector<float> before(50), after(50);
    mlp.values(told.q, told.c, before);
    told.q[3 * 7] = std::numeric_limits<float>::quiet_NaN();
    told.c[16 * 49 + 3] = std::numeric_limits<float>::quiet_NaN();
    mlp.values(told.q, told.c, after);
    for (std::size_t i = 0; i < 50; ++i) {
        if (i == 7 || i == 49) {
            EXPECT_TRUE(std::isnan(after[i])) << i;
        } else {
            EXPECT_EQ(after[i], before[i]);
        }
    }
}

TEST_P(ResidualMlpTest, APointDoesNotDependOnItsNeighbours) {
    const NetworkCase net{3, 32, 32, 1, 5};
    const ResidualMlp mlp(random_network(net, 1));
    const Told told(net, 100, 2);
    std::vector<float> together(100), one(1);
    mlp.values(told.q, told.c, together);
    for (std::size_t i = 0; i < 100; ++i) {
        mlp.values(std::span(told.q).subspan(3 * i, 3), std::span(told.c).subspan(32 * i, 32), one);
        EXPECT_EQ(one[0], together[i]);
    }
}

TEST(ResidualMlpSizes, AreChecked) {
    auto network = random_network({3, 4, 8, 1, 1}, 1);
    network.blocks[0].weight_0.pop_back();
    EXPECT_ANY_THROW(ResidualMlp{network});
}

INSTANTIATE_TEST_SUITE_P(Targets, ResidualMlpTest, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace nir::kernels
