// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// kernels/small_mlp.h as plain loops, one row at a time.
#pragma once

#include "nir/kernels/small_mlp.h"

#include <vector>

namespace nir::kernels {

/// Activations of every layer, the input first; the last is the output.
template <class Real>
std::vector<std::vector<Real>> mlp_forward_ref(const SmallMlp& mlp, const Real* weights, const Real* x) {
    std::vector<std::vector<Real>> a{std::vector<Real>(x, x + mlp.in())};
    for (std::size_t l = 0; l < mlp.layers; ++l) {
        const std::size_t in = mlp.widths[l], out = mlp.widths[l + 1];
        std::vector<Real> y(out);
        for (std::size_t o = 0; o < out; ++o) {
            for (std::size_t i = 0; i < in; ++i) y[o] += weights[o * in + i] * a.back()[i];
            if (l + 1 < mlp.layers && !(y[o] > 0)) y[o] = 0;
        }
        weights += in * out;
        a.push_back(std::move(y));
    }
    return a;
}

/// Adds to dL_dw [weights]; returns dL/dx.
template <class Real>
std::vector<Real> mlp_backward_ref(const SmallMlp& mlp, const Real* weights, const Real* x, const Real* dL_dy,
                                   Real* dL_dw) {
    const auto a = mlp_forward_ref(mlp, weights, x);
    std::vector<Real> g(dL_dy, dL_dy + mlp.out());
    std::size_t at = mlp.weights();
    for (std::size_t l = mlp.layers; l-- > 0;) {
        const std::size_t in = mlp.widths[l], out = mlp.widths[l + 1];
        at -= in * out;
        std::vector<Real> below(in);
        for (std::size_t o = 0; o < out; ++o)
            for (std::size_t i = 0; i < in; ++i) {
                dL_dw[at + o * in + i] += g[o] * a[l][i];
                below[i] += g[o] * weights[at + o * in + i];
            }
        for (std::size_t i = 0; i < in && l > 0; ++i)
            if (!(a[l][i] > 0)) below[i] = 0;
        g = std::move(below);
    }
    return g;
}

}  // namespace nir::kernels
