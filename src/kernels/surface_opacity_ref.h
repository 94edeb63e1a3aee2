// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// As the papers write it, in any precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace nir::kernels {

template <class Real>
Real sigmoid_ref(Real u) {
    return 1 / (1 + std::exp(-u));
}

/// Opacities of the samples of one ray that begins outside.
template <class Real>
std::vector<Real> distance_to_alpha_ref(const std::vector<Real>& distance, Real sharpness) {
    std::vector<Real> alpha;
    Real before = 1;
    for (const Real f : distance) {
        const Real now = sigmoid_ref(sharpness * f);
        alpha.push_back(std::clamp((before - now) / before, Real{0}, Real{1}));
        before = now;
    }
    return alpha;
}

}  // namespace nir::kernels
