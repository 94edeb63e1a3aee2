// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/small_mlp.h"

#include "nir/base/rng.h"

#include "kernels/simd_targets_test.h"
#include "kernels/small_mlp_ref.h"

#include <cmath>
#include <numeric>
#include <vector>

namespace nir::kernels {
namespace {

template <class Real>
std::vector<Real> random_values(std::size_t n, std::uint64_t seed) {
    Rng rng(seed);
    std::vector<Real> out(n);
    for (Real& v : out) v = static_cast<Real>(static_cast<float>(rng.uniform(-0.5, 0.5)));
    return out;
}

const SmallMlp kDensity{2, {32, 64, 16}}, kColour{3, {32, 64, 64, 16}}, kOdd{4, {48, 16, 80, 32, 16}};

TEST(SmallMlp, SizesOfThePublishedNetworks) {
    EXPECT_EQ(kDensity.weights() + kColour.weights(), 10'240u);
    EXPECT_EQ(kColour.hidden(), 128u);
}

TEST(SmallMlp, ReferenceGradientsAreFiniteDifferences) {
    for (const SmallMlp& mlp : {kDensity, kColour, kOdd}) {
        auto w = random_values<double>(mlp.weights(), 1), x = random_values<double>(mlp.in(), 2);
        const auto dy = random_values<double>(mlp.out(), 3);
        const auto loss = [&] {
            const auto y = mlp_forward_ref(mlp, w.data(), x.data()).back();
            return std::inner_product(y.begin(), y.end(), dy.begin(), 0.0);
        };
        const auto slope = [&](double& at) {
            const double before = at, h = 1e-6;
            at = before + h;
            const double up = loss();
            at = before - h;
            const double down = loss();
            at = before;
            return (up - down) / (2 * h);
        };
        std::vector<double> dw(w.size());
        const auto dx = mlp_backward_ref(mlp, w.data(), x.data(), dy.data(), dw.data());
        for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(dx[i], slope(x[i]), 1e-8);
        for (std::size_t k = 0; k < w.size(); k += 37) EXPECT_NEAR(dw[k], slope(w[k]), 1e-8);
    }
}

class SmallMlpKernel : public SimdTargetTest {};

TEST_P(SmallMlpKernel, BothPassesAreTheReferenceInDouble) {
    for (const SmallMlp& mlp : {kDensity, kColour, kOdd})
        for (const std::size_t rows : {0u, 1u, 3u, 8u, 63u, 64u, 65u, 150u}) {
            const std::size_t xs = mlp.in() + 5, ys = mlp.out() + 2;
            const auto w = random_values<float>(mlp.weights(), 1), x = random_values<float>(rows * xs, 2);
            const auto dy = random_values<float>(rows * ys, 3);
            std::vector<float> packed(w.size()), hidden(rows * mlp.hidden()), y(rows * ys, -3.0f), dx(rows * xs, -3.0f),
                dw(w.size(), 1.0f), scratch(2 * kMlpRows * mlp.widest());
            mlp_pack(mlp, w, packed);
            mlp_forward(mlp, packed, rows, x.data(), xs, hidden, y.data(), ys);
            mlp_backward(mlp, w, rows, x.data(), xs, hidden, dy.data(), ys, dx.data(), xs, dw, scratch);

            const std::vector<double> wd(w.begin(), w.end());
            std::vector<double> want_dw(w.size(), 1.0);
            for (std::size_t i = 0; i < rows; ++i) {
                const std::vector<double> xd(x.data() + i * xs, x.data() + i * xs + mlp.in());
                const std::vector<double> dyd(dy.data() + i * ys, dy.data() + i * ys + mlp.out());
                const auto want = mlp_forward_ref(mlp, wd.data(), xd.data()).back();
                for (std::size_t o = 0; o < ys; ++o) EXPECT_NEAR(y[i * ys + o], o < mlp.out() ? want[o] : -3.0, 2e-5);
                const auto want_dx = mlp_backward_ref(mlp, wd.data(), xd.data(), dyd.data(), want_dw.data());
                for (std::size_t k = 0; k < xs; ++k)
                    EXPECT_NEAR(dx[i * xs + k], k < mlp.in() ? want_dx[k] : -3.0, 2e-5);
            }
            for (std::size_t k = 0; k < w.size(); ++k) EXPECT_NEAR(dw[k], want_dw[k], 2e-4);
        }
}

INSTANTIATE_TEST_SUITE_P(Targets, SmallMlpKernel, all_simd_targets(), simd_target_name);

}  // namespace
}  // namespace nir::kernels
