// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/sparse_adam.h"

#include "nir/base/rng.h"
#include "nir/kernels/hash_grid.h"

#include "kernels/simd_targets_test.h"

#include <cmath>
#include <vector>

namespace nir::kernels {
namespace {

struct Table {
    std::size_t features;
    std::vector<float> gradient, weights, moments;
    std::vector<std::uint8_t> touched;
    std::vector<std::uint16_t> steps, half;

    Table(std::size_t entries, std::size_t n_features)
        : features(n_features),
          gradient(entries * n_features),
          weights(entries * n_features),
          moments(2 * entries * n_features),
          touched((entries + kHashGridBlock - 1) / kHashGridBlock),
          steps(entries),
          half(entries * n_features) {}
    SparseTable view() { return {features, gradient, touched, weights, moments, steps, half}; }
};

class SparseAdamKernel : public SimdTargetTest {};

TEST_P(SparseAdamKernel, FollowsTheFormulaAndSkipsWhatWasNotTouched) {
    for (const std::size_t features : {4u, 2u}) {
        const std::size_t entries = 100;
        Table table(entries, features);
        Rng rng(9);
        for (float& w : table.weights) w = static_cast<float>(rng.uniform(-1, 1));
        std::vector<double> w(table.weights.begin(), table.weights.end()), m(w.size()), v(w.size());
        std::vector<int> count(entries);
        SparseAdam adam;
        for (int step = 0; step < 5; ++step) {
            for (std::size_t e = 0; e < entries; ++e) {
                if (!rng.coin(0.3)) continue;
                ++count[e];
                table.touched[e / kHashGridBlock] = 1;
                for (std::size_t f = 0; f < features; ++f) {
                    if (f == 1) continue;  // a zero among others: that number stays
                    const std::size_t k = e * features + f;
                    table.gradient[k] = static_cast<float>(rng.uniform(-1, 1));
                    const double g = static_cast<double>(table.gradient[k]);
                    m[k] = 0.9 * m[k] + 0.1 * g;
                    v[k] = 0.99 * v[k] + 0.01 * g * g;
                    w[k] -= 1e-2 * (m[k] / (1 - std::pow(0.9, count[e]))) /
                            std::sqrt(v[k] / (1 - std::pow(0.99, count[e])));
                }
            }
            sparse_adam_step(adam, table.view());
            for (const float g : table.gradient) EXPECT_EQ(g, 0.0f);
            for (const auto t : table.touched) EXPECT_EQ(t, 0);
        }
        std::vector<float> from_halves(w.size());
        from_half(table.half, from_halves);
        for (std::size_t k = 0; k < w.size(); ++k) {
            EXPECT_NEAR(table.weights[k], w[k], 2e-6);
            if (count[k / features] > 0) {
                EXPECT_NEAR(from_halves[k], w[k], 1e-3);
            }
            EXPECT_EQ(table.steps[k / features], count[k / features]);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, SparseAdamKernel, all_simd_targets(), simd_target_name);

}  // namespace
}  // namespace nir::kernels
