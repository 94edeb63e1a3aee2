// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The formulas of kernels/residual_mlp.h as plain loops, in float or double.
#pragma once

#include "nir/kernels/residual_mlp.h"

#include <span>
#include <vector>

namespace nir::kernels {

/// y += weight x, weight [y.size(), x.size()]; nothing if weight is empty.
template <class Real>
void add_product_ref(const std::vector<Real>& weight, std::span<const Real> x, std::span<Real> y) {
    if (weight.empty()) return;
    for (std::size_t o = 0; o < y.size(); ++o)
        for (std::size_t i = 0; i < x.size(); ++i) y[o] += weight[o * x.size() + i] * x[i];
}

template <class Real>
void add_ref(const std::vector<Real>& b, std::span<Real> y) {
    for (std::size_t i = 0; i < b.size(); ++i) y[i] += b[i];
}

/// Leaky ReLU behind scale x + shift.
template <class Real>
std::vector<Real> activate_ref(std::span<const Real> x, const std::vector<Real>& scale, const std::vector<Real>& shift,
                               Real slope) {
    std::vector<Real> h(x.begin(), x.end());
    for (std::size_t i = 0; i < h.size(); ++i) {
        if (!scale.empty()) h[i] = scale[i] * h[i] + shift[i];
        if (h[i] < Real(0)) h[i] *= slope;
    }
    return h;
}

/// One point. @param q [inputs]  @param c [features]  @param out [outputs]
template <class Real>
void residual_mlp_ref(const ResidualNetwork<Real>& net, std::span<const Real> q, std::span<const Real> c,
                      std::span<Real> out) {
    std::vector<Real> x(net.hidden, Real(0));
    add_product_ref<Real>(net.first_weight, q, x);
    add_product_ref<Real>(net.first_feature_weight, c, x);
    add_ref<Real>(net.first_bias, x);
    for (const auto& b : net.blocks) {
        add_product_ref<Real>(b.feature_weight, c, x);
        add_ref<Real>(b.feature_bias, x);
        const std::vector<Real> h = activate_ref<Real>(x, b.scale, b.shift, 0);
        std::vector<Real> n(net.hidden, Real(0));
        add_product_ref<Real>(b.weight_0, h, n);
        add_ref<Real>(b.bias_0, n);
        n = activate_ref<Real>(n, {}, {}, 0);
        add_product_ref<Real>(b.weight_1, n, x);
        add_ref<Real>(b.bias_1, x);
    }
    const std::vector<Real> h = activate_ref<Real>(x, net.out_scale, net.out_shift, net.out_slope);
    for (Real& v : out) v = 0;
    add_product_ref<Real>(net.out_weight, h, out);
    add_ref<Real>(net.out_bias, out);
}

}  // namespace nir::kernels
