// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// kernels/adam.h as plain loops.
#pragma once

#include "nir/kernels/adam.h"

#include <cmath>
#include <cstddef>

namespace nir::kernels {

template <class Real>
void adam_step_ref(const AdamStep& s, Real* p, const Real* gradient, Real* m, Real* v, std::size_t n,
                   std::size_t from = 0) {
    const auto beta1 = static_cast<Real>(s.beta1), beta2 = static_cast<Real>(s.beta2);
    const auto rest1 = static_cast<Real>(1 - s.beta1), rest2 = static_cast<Real>(1 - s.beta2);
    const auto root = static_cast<Real>(s.root), eps = static_cast<Real>(s.eps), step = static_cast<Real>(s.step);
    const auto scale = static_cast<Real>(s.grad_scale);
    for (std::size_t i = from; i < n; ++i) {
        const Real g = scale * gradient[i];
        m[i] = m[i] * beta1 + g * rest1;
        v[i] = v[i] * beta2 + g * g * rest2;
        p[i] -= step * (m[i] / (std::sqrt(v[i]) / root + eps));
    }
}

}  // namespace nir::kernels
