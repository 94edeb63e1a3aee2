// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Random networks for the tests of the kernels that run them.
#pragma once

#include "nir/base/rng.h"
#include "nir/kernels/residual_mlp.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace nir::kernels {

inline std::vector<float> random_floats(std::size_t n, Rng& rng, double half = 1) {
    std::vector<float> out(n);
    for (float& v : out) v = static_cast<float>(rng.uniform(-half, half));
    return out;
}

struct NetworkCase {
    std::size_t inputs, features, hidden, outputs, blocks;
    bool scaled = false;          ///< affine steps before the activations
    float slope = 0;              ///< of the last activation
    bool first_features = false;  ///< features enter in the first layer, not in the blocks
};

inline ResidualNetwork<float> random_network(const NetworkCase& c, std::uint64_t seed) {
    Rng rng(seed);
    ResidualNetwork<float> n;
    n.inputs = c.inputs, n.features = c.features, n.hidden = c.hidden, n.outputs = c.outputs;
    const std::size_t h = c.hidden;
    const double size = std::sqrt(3.0 / static_cast<double>(h));
    if (c.inputs) n.first_weight = random_floats(h * c.inputs, rng);
    if (c.first_features) n.first_feature_weight = random_floats(h * c.features, rng, size);
    n.first_bias = random_floats(h, rng, 0.2);
    for (std::size_t i = 0; i < c.blocks; ++i) {
        ResidualNetwork<float>::Block b;
        if (c.features && !c.first_features) {
            b.feature_weight = random_floats(h * c.features, rng, size);
            b.feature_bias = random_floats(h, rng, 0.2);
        }
        if (c.scaled) b.scale = random_floats(h, rng), b.shift = random_floats(h, rng, 0.3);
        b.weight_0 = random_floats(h * h, rng, size), b.bias_0 = random_floats(h, rng, 0.2);
        b.weight_1 = random_floats(h * h, rng, size), b.bias_1 = random_floats(h, rng, 0.2);
        n.blocks.push_back(b);
    }
    if (c.scaled) n.out_scale = random_floats(h, rng), n.out_shift = random_floats(h, rng, 0.3);
    n.out_slope = c.slope;
    n.out_weight = random_floats(c.outputs * h, rng, size), n.out_bias = random_floats(c.outputs, rng);
    return n;
}

inline std::vector<double> doubles(const std::vector<float>& v) { return {v.begin(), v.end()}; }

inline ResidualNetwork<double> in_double(const ResidualNetwork<float>& n) {
    ResidualNetwork<double> d;
    d.inputs = n.inputs, d.features = n.features, d.hidden = n.hidden, d.outputs = n.outputs;
    d.first_weight = doubles(n.first_weight), d.first_feature_weight = doubles(n.first_feature_weight);
    d.first_bias = doubles(n.first_bias);
    for (const auto& b : n.blocks)
        d.blocks.push_back({doubles(b.feature_weight), doubles(b.feature_bias), doubles(b.scale), doubles(b.shift),
                            doubles(b.weight_0), doubles(b.bias_0), doubles(b.weight_1), doubles(b.bias_1)});
    d.out_scale = doubles(n.out_scale), d.out_shift = doubles(n.out_shift),
    d.out_slope = static_cast<double>(n.out_slope);
    d.out_weight = doubles(n.out_weight), d.out_bias = doubles(n.out_bias);
    return d;
}

/// Runs on every instruction set that this machine has.
class EveryTarget : public ::testing::TestWithParam<std::int64_t> {
protected:
    void SetUp() override { choose(GetParam()); }
    void TearDown() override { choose(0); }
    static void choose(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
};

}  // namespace nir::kernels
