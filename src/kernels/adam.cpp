// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/adam.h"

#include "kernels/adam_ref.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using VF = hn::Vec<D>;

void Adam(const AdamStep& s, float* HWY_RESTRICT p, const float* HWY_RESTRICT gradient, float* HWY_RESTRICT m,
          float* HWY_RESTRICT v, std::size_t n) {
    const D d;
    const auto all = [&](double value) { return hn::Set(d, static_cast<float>(value)); };
    const VF beta1 = all(s.beta1), beta2 = all(s.beta2), rest1 = all(1 - s.beta1), rest2 = all(1 - s.beta2);
    const VF root = all(s.root), eps = all(s.eps), step = all(s.step), scale = all(s.grad_scale);
    const std::size_t lanes = hn::Lanes(d), whole = n - n % lanes;
    for (std::size_t i = 0; i < whole; i += lanes) {
        const VF g = hn::Mul(scale, hn::LoadU(d, gradient + i));
        const VF mean = hn::MulAdd(g, rest1, hn::Mul(hn::LoadU(d, m + i), beta1));
        const VF square = hn::MulAdd(hn::Mul(g, g), rest2, hn::Mul(hn::LoadU(d, v + i), beta2));
        const VF size = hn::Add(hn::Div(hn::Sqrt(square), root), eps);
        hn::StoreU(mean, d, m + i);
        hn::StoreU(square, d, v + i);
        hn::StoreU(hn::NegMulAdd(step, hn::Div(mean, size), hn::LoadU(d, p + i)), d, p + i);
    }
    adam_step_ref(s, p, gradient, m, v, n, whole);
}

double SumOfSquares(const float* HWY_RESTRICT x, std::size_t n) {
    const D d;
    const std::size_t lanes = hn::Lanes(d), stretch = 4096;
    double out = 0;
    for (std::size_t at = 0; at < n; at += stretch) {
        const std::size_t end = std::min(n, at + stretch);
        VF a = hn::Zero(d), b = a;
        std::size_t i = at;
        for (; i + 2 * lanes <= end; i += 2 * lanes) {
            const VF first = hn::LoadU(d, x + i), second = hn::LoadU(d, x + i + lanes);
            a = hn::MulAdd(first, first, a);
            b = hn::MulAdd(second, second, b);
        }
        HWY_ALIGN float sums[hn::MaxLanes(D())];
        hn::Store(hn::Add(a, b), d, sums);
        for (std::size_t l = 0; l < lanes; ++l) out += static_cast<double>(sums[l]);
        for (; i < end; ++i) out += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    return out;
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(Adam);
HWY_EXPORT(SumOfSquares);

void adam_step(const AdamStep& step, std::span<float> p, std::span<const float> gradient, std::span<float> m,
               std::span<float> v) {
    HWY_DYNAMIC_DISPATCH(Adam)(step, p.data(), gradient.data(), m.data(), v.data(), p.size());
}

void adam_step(const AdamStep& step, std::span<double> p, std::span<const double> gradient, std::span<double> m,
               std::span<double> v) {
    adam_step_ref(step, p.data(), gradient.data(), m.data(), v.data(), p.size());
}

double sum_of_squares(std::span<const float> x) { return HWY_DYNAMIC_DISPATCH(SumOfSquares)(x.data(), x.size()); }

double sum_of_squares(std::span<const double> x) {
    double out = 0;
    for (const double v : x) out += v * v;
    return out;
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
