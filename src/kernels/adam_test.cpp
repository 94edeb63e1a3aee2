// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/adam.h"

#include "nir/base/rng.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <vector>

namespace nir::kernels {
namespace {

template <class Real>
std::vector<Real> random_values(std::size_t n, std::uint64_t seed, double lo = -1, double hi = 1) {
    Rng rng(seed);
    std::vector<Real> out(n);
    for (Real& v : out) v = static_cast<Real>(static_cast<float>(rng.uniform(lo, hi)));
    return out;
}

/// Every instruction set that this machine has.
class AdamKernel : public ::testing::TestWithParam<std::int64_t> {
protected:
    void SetUp() override { choose(GetParam()); }
    void TearDown() override { choose(0); }
    static void choose(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
};

TEST_P(AdamKernel, FollowsTheFormula) {
    for (const std::size_t n : {0u, 1u, 7u, 16u, 33u, 100u}) {
        AdamStep s;
        s.step = 1e-2, s.root = 0.3, s.grad_scale = 0.5;
        auto p = random_values<float>(n, 1), m = random_values<float>(n, 2), v = random_values<float>(n, 3, 0, 1);
        const auto g = random_values<float>(n, 4);
        auto pd = random_values<double>(n, 1), md = random_values<double>(n, 2), vd = random_values<double>(n, 3, 0, 1);
        const auto gd = random_values<double>(n, 4);
        adam_step(s, p, g, m, v);
        adam_step(s, pd, gd, md, vd);
        for (std::size_t i = 0; i < n; ++i) {
            const double half = 0.5 * gd[i], before = random_values<double>(n, 1)[i];
            const double mean = 0.9 * random_values<double>(n, 2)[i] + 0.1 * half;
            const double square = 0.999 * random_values<double>(n, 3, 0, 1)[i] + 0.001 * half * half;
            EXPECT_NEAR(md[i], mean, 1e-14);
            EXPECT_NEAR(vd[i], square, 1e-14);
            EXPECT_NEAR(pd[i], before - 1e-2 * mean / (std::sqrt(square) / 0.3 + 1e-8), 1e-14);
            EXPECT_NEAR(m[i], md[i], 1e-6);
            EXPECT_NEAR(v[i], vd[i], 1e-6);
            EXPECT_NEAR(p[i], pd[i], 1e-6);
        }
    }
}

TEST_P(AdamKernel, NoGradientFromTheStartMovesNothing) {
    AdamStep s;
    s.step = 1;
    std::vector<float> p(19, 2.0f), m(19, 0.0f), v(19, 0.0f);
    adam_step(s, p, std::vector<float>(19, 0.0f), m, v);
    for (const float value : p) EXPECT_EQ(value, 2.0f);
}

TEST_P(AdamKernel, SumOfSquares) {
    for (const std::size_t n : {0u, 1u, 31u, 4096u, 9001u}) {
        const auto x = random_values<float>(n, 5);
        double want = 0;
        for (const float v : x) want += static_cast<double>(v) * static_cast<double>(v);
        EXPECT_NEAR(sum_of_squares(x), want, 1e-5 * want);
        EXPECT_NEAR(sum_of_squares(random_values<double>(n, 5)), want, 1e-12 * want);
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, AdamKernel, ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

}  // namespace
}  // namespace nir::kernels
