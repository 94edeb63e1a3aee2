// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/composite.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/composite.cpp"
// The order matters.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kTile = 16;
using D = hn::CappedTag<float, kTile>;

/// Calls body(from, to, count) on tiles in aligned memory; body maps kTile numbers.
template <class Load, class Map>
HWY_INLINE void InTiles(std::size_t n, float* out, const Load& load, const Map& map) {
    const D d;
    HWY_ALIGN float tile[2][kTile] = {};
    for (std::size_t begin = 0; begin < n; begin += kTile) {
        const std::size_t count = std::min(kTile, n - begin);
        for (std::size_t i = 0; i < count; ++i) load(begin + i, tile[0][i], tile[1][i]);
        for (std::size_t i = 0; i < kTile; i += hn::Lanes(d))
            hn::Store(map(hn::Load(d, tile[0] + i), hn::Load(d, tile[1] + i)), d, tile[0] + i);
        std::copy_n(tile[0], count, out + begin);
    }
}

/// exp, for arguments within the range of float.
template <class V>
HWY_INLINE V Exponential(V x) {
    const D d;
    return hn::Exp(d, hn::Min(hn::Max(x, hn::Set(d, -87.0f)), hn::Set(d, 80.0f)));
}

void Alpha(const float* log_density, std::size_t stride, const float* dt, float* alpha, std::size_t n) {
    const D d;
    InTiles(
        n, alpha, [&](std::size_t i, float& a, float& b) { a = log_density[i * stride], b = dt[i]; },
        [&](auto raw, auto step)
            HWY_ATTR { return hn::Sub(hn::Set(d, 1.0f), Exponential(hn::Neg(hn::Mul(Exponential(raw), step)))); });
}

void Logistic(const float* x, float* y, std::size_t n) {
    const D d;
    InTiles(
        n, y, [&](std::size_t i, float& a, float&) { a = x[i]; },
        [&](auto v, auto) HWY_ATTR {
            const auto one = hn::Set(d, 1.0f);
            return hn::Div(one, hn::Add(one, Exponential(hn::Neg(v))));
        });
}

/// Density itself, clamped as its gradient is.
void ClampedDensity(const float* log_density, std::size_t stride, float* sigma, std::size_t n) {
    const D d;
    InTiles(
        n, sigma, [&](std::size_t i, float& a, float&) { a = log_density[i * stride]; },
        [&](auto v, auto) HWY_ATTR {
            return hn::Exp(d, hn::Min(hn::Max(v, hn::Set(d, -kLogDensityClamp)), hn::Set(d, kLogDensityClamp)));
        });
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(Alpha);
HWY_EXPORT(Logistic);
HWY_EXPORT(ClampedDensity);

void density_to_alpha(std::span<const float> log_density, std::size_t stride, std::span<const float> dt,
                      std::span<float> alpha) {
    HWY_DYNAMIC_DISPATCH(Alpha)(log_density.data(), stride, dt.data(), alpha.data(), dt.size());
}

void logistic(std::span<const float> x, std::span<float> y) {
    HWY_DYNAMIC_DISPATCH(Logistic)(x.data(), y.data(), x.size());
}

void composite_forward(RayStarts first, std::span<const float> alpha, std::span<const float> rgb,
                       std::span<const float> background, std::span<float> weights, std::span<float> color,
                       std::span<float> transmittance) {
    for (std::size_t r = 0; r + 1 < first.size(); ++r) {
        float through = 1, sum[3] = {0, 0, 0};
        for (std::size_t i = first[r]; i < first[r + 1]; ++i) {
            const float w = alpha[i] * through;
            through *= 1 - alpha[i];
            weights[i] = w;
            for (std::size_t k = 0; k < 3; ++k) sum[k] += w * rgb[i * 3 + k];
        }
        for (std::size_t k = 0; k < 3; ++k) color[r * 3 + k] = sum[k] + through * background[r * 3 + k];
        transmittance[r] = through;
    }
}

void composite_backward(RayStarts first, const CompositeBackward& in) {
    if (first.empty()) return;
    HWY_DYNAMIC_DISPATCH(ClampedDensity)
    (in.log_density.data(), in.log_density_stride, in.dL_dlog_density.data(), in.dt.size());
    for (std::size_t r = 0; r + 1 < first.size(); ++r) {
        const float* g = in.dL_dcolor.data() + r * 3;
        float through = 1, behind[3];
        for (std::size_t k = 0; k < 3; ++k) behind[k] = in.color[r * 3 + k];
        for (std::size_t i = first[r]; i < first[r + 1]; ++i) {
            through *= 1 - in.alpha[i];
            float by_sigma = 0;
            for (std::size_t k = 0; k < 3; ++k) {
                const float c = in.rgb[i * 3 + k], w = in.weights[i];
                behind[k] -= w * c;
                by_sigma += g[k] * (through * c - behind[k]);
                in.dL_drgb_raw[i * in.rgb_raw_stride + k] = w * g[k] * c * (1 - c);
            }
            in.dL_dlog_density[i] *= in.dt[i] * by_sigma;
        }
    }
}

Huber huber(float difference, float alpha) {
    const float size = std::abs(difference);
    if (size > alpha) return {(size - alpha / 2) / 5, (difference > 0 ? 1.0f : -1.0f) / 5};
    return {difference * difference / (2 * alpha) / 5, difference / alpha / 5};
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
