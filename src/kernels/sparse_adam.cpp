// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/sparse_adam.h"

#include "nir/kernels/hash_grid.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_adam.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <std::size_t F>
using DF = hn::CappedTag<float, F>;

/// One entry; bias = learning rate with both corrections.
template <std::size_t F>
HWY_INLINE void UpdateEntry(const SparseAdam& adam, const SparseTable& t, std::size_t entry, float step) {
    const DF<F> d;
    const hn::Rebind<hwy::float16_t, DF<F>> dh;
    for (std::size_t f = 0; f < F; f += hn::MaxLanes(d)) {
        float* gradient = t.gradient.data() + entry * F + f;
        float* weight = t.weights.data() + entry * F + f;
        float* first = t.moments.data() + entry * 2 * F + f;
        float* second = first + F;
        const auto g = hn::LoadU(d, gradient), m0 = hn::LoadU(d, first), v0 = hn::LoadU(d, second),
                   w0 = hn::LoadU(d, weight);
        const auto zero = hn::Eq(g, hn::Zero(d));
        const auto m = hn::MulAdd(hn::Set(d, adam.beta1), m0, hn::Mul(hn::Set(d, 1 - adam.beta1), g));
        const auto v = hn::MulAdd(hn::Set(d, adam.beta2), v0, hn::Mul(hn::Set(d, 1 - adam.beta2), hn::Mul(g, g)));
        const auto size = hn::Add(hn::Sqrt(v), hn::Set(d, adam.eps));
        const auto w = hn::NegMulAdd(hn::Set(d, step), hn::Div(m, size), w0);
        const auto kept = hn::IfThenElse(zero, w0, w);
        hn::StoreU(hn::IfThenElse(zero, m0, m), d, first);
        hn::StoreU(hn::IfThenElse(zero, v0, v), d, second);
        hn::StoreU(kept, d, weight);
        hn::StoreU(hn::Zero(d), d, gradient);
        hn::StoreU(hn::DemoteTo(dh, kept), dh, reinterpret_cast<hwy::float16_t*>(t.half.data()) + entry * F + f);
    }
}

/// Entries that are looked up together: their lines are on the way while the others are being found.
constexpr std::size_t kTogether = 128;

/// True if one of F floats is neither 0 nor -0.
template <std::size_t F>
HWY_INLINE bool AnySet(const float* g) {
    std::uint64_t bits[F / 2];
    std::memcpy(bits, g, sizeof(bits));
    std::uint64_t all = bits[0];
    if constexpr (F == 4) all |= bits[1];
    return (all & 0x7FFFFFFF7FFFFFFFu) != 0;
}

template <std::size_t F>
void UpdateEntries(const SparseAdam& adam, const SparseTable& t, const std::uint32_t* entries, std::size_t n,
                   const float* bias, std::size_t n_bias) {
    constexpr std::uint16_t kLast = std::numeric_limits<std::uint16_t>::max();
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t entry = entries[i];
        if (t.steps[entry] < kLast) ++t.steps[entry];
        UpdateEntry<F>(adam, t, entry, bias[std::min<std::size_t>(t.steps[entry], n_bias - 1)]);
    }
}

template <std::size_t F>
void Update(const SparseAdam& adam, const SparseTable& t, const float* bias, std::size_t n_bias) {
    std::uint32_t list[kTogether + kHashGridBlock];
    std::size_t n = 0;
    for (std::size_t block = 0; block < t.touched.size(); ++block) {
        if (!t.touched[block]) continue;
        t.touched[block] = 0;
        const std::size_t end = std::min(t.steps.size(), (block + 1) * kHashGridBlock);
        for (std::size_t entry = block * kHashGridBlock; entry < end; ++entry) {
            list[n] = static_cast<std::uint32_t>(entry);
            hwy::Prefetch(t.weights.data() + entry * F);
            hwy::Prefetch(t.moments.data() + entry * 2 * F);
            n += AnySet<F>(t.gradient.data() + entry * F) ? std::size_t{1} : std::size_t{0};
        }
        hwy::Prefetch(t.half.data() + block * kHashGridBlock * F);
        hwy::Prefetch(t.steps.data() + block * kHashGridBlock);
        if (n < kTogether) continue;
        UpdateEntries<F>(adam, t, list, n, bias, n_bias);
        n = 0;
    }
    UpdateEntries<F>(adam, t, list, n, bias, n_bias);
}

void Step(const SparseAdam& adam, const SparseTable& t, const float* bias, std::size_t n_bias) {
    if (t.features == 4)
        Update<4>(adam, t, bias, n_bias);
    else
        Update<2>(adam, t, bias, n_bias);
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(Step);

void sparse_adam_step(const SparseAdam& adam, const SparseTable& table) {
    // learning rate * sqrt(1 - beta2^n) / (1 - beta1^n), constant in float far before the end for the usual betas.
    std::array<float, 2048> bias{};
    double power1 = 1, power2 = 1;
    for (std::size_t n = 1; n < bias.size(); ++n) {
        power1 *= static_cast<double>(adam.beta1), power2 *= static_cast<double>(adam.beta2);
        bias[n] = static_cast<float>(static_cast<double>(adam.learning_rate) * std::sqrt(1 - power2) / (1 - power1));
    }
    HWY_DYNAMIC_DISPATCH(Step)(adam, table, bias.data(), bias.size());
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
