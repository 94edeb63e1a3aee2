// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/row_ops.h"

#include "kernels/row_ops_ref.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/row_ops.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Every lane holds one channel. Loops that reduce keep their sums in registers while they walk down a block of rows
// that fits in the first-level cache.
HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;
using VF = hn::Vec<D>;
using VI = hn::Vec<DI>;

constexpr std::size_t kBlock = 64;  // rows whose sums stay in float

/// to[lane] += v[lane], in double.
HWY_INLINE void Flush(VF v, double* HWY_RESTRICT to) {
    const D d;
    HWY_ALIGN float lanes[hn::MaxLanes(D())];
    hn::Store(v, d, lanes);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) to[i] += static_cast<double>(lanes[i]);
}

void AffineRelu(const float* x, std::size_t n, std::size_t f, const float* HWY_RESTRICT scale,
                const float* HWY_RESTRICT shift, float* y) {
    const D d;
    const std::size_t lanes = hn::Lanes(d), whole = f - f % lanes;
    const VF zero = hn::Zero(d);
    for (std::size_t r = 0; r < n; ++r)
        for (std::size_t c = 0; c < whole; c += lanes) {
            const VF v = hn::MulAdd(hn::LoadU(d, scale + c), hn::LoadU(d, x + r * f + c), hn::LoadU(d, shift + c));
            hn::StoreU(hn::IfThenElse(hn::Lt(v, zero), zero, v), d, y + r * f + c);
        }
    if (whole < f) affine_relu_ref(x, n, f, scale, shift, y, whole);
}

void AddMoments(const float* HWY_RESTRICT x, std::size_t n, std::size_t f, const float* HWY_RESTRICT pivot,
                double* HWY_RESTRICT sum, double* HWY_RESTRICT square) {
    const D d;
    const std::size_t lanes = hn::Lanes(d), whole = f - f % lanes;
    for (std::size_t at = 0; at < n; at += kBlock) {
        const std::size_t end = std::min(n, at + kBlock);
        for (std::size_t c = 0; c < whole; c += lanes) {
            const VF p = hn::LoadU(d, pivot + c);
            VF s = hn::Zero(d), q = s;
            for (std::size_t r = at; r < end; ++r) {
                const VF v = hn::Sub(hn::LoadU(d, x + r * f + c), p);
                s = hn::Add(s, v);
                q = hn::MulAdd(v, v, q);
            }
            Flush(s, sum + c);
            Flush(q, square + c);
        }
    }
    if (whole < f) add_moments_ref(x, n, f, pivot, sum, square, whole);
}

void ReluNormSums(float* HWY_RESTRICT g, const float* HWY_RESTRICT y, const float* HWY_RESTRICT x, std::size_t n,
                  std::size_t f, const float* HWY_RESTRICT mean, const float* HWY_RESTRICT inverse,
                  double* HWY_RESTRICT sum, double* HWY_RESTRICT sum_n) {
    const D d;
    const std::size_t lanes = hn::Lanes(d), whole = f - f % lanes;
    for (std::size_t at = 0; at < n; at += kBlock) {
        const std::size_t end = std::min(n, at + kBlock);
        for (std::size_t c = 0; c < whole; c += lanes) {
            const VF m = hn::LoadU(d, mean + c), i = hn::LoadU(d, inverse + c);
            VF s = hn::Zero(d), q = s;
            for (std::size_t r = at; r < end; ++r) {
                const std::size_t k = r * f + c;
                const VF v = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, y + k), hn::Zero(d)), hn::LoadU(d, g + k));
                hn::StoreU(v, d, g + k);
                s = hn::Add(s, v);
                q = hn::MulAdd(v, hn::Mul(hn::Sub(hn::LoadU(d, x + k), m), i), q);
            }
            Flush(s, sum + c);
            Flush(q, sum_n + c);
        }
    }
    if (whole < f) relu_norm_sums_ref(g, y, x, n, f, mean, inverse, sum, sum_n, whole);
}

void NormBackward(const float* g, const float* HWY_RESTRICT x, std::size_t n, std::size_t f,
                  const float* HWY_RESTRICT scale, const float* HWY_RESTRICT offset, const float* HWY_RESTRICT slope,
                  const float* HWY_RESTRICT mean, float* to, bool add) {
    const D d;
    const std::size_t lanes = hn::Lanes(d), whole = f - f % lanes;
    for (std::size_t r = 0; r < n; ++r)
        for (std::size_t c = 0; c < whole; c += lanes) {
            const std::size_t k = r * f + c;
            const VF centred = hn::Sub(hn::LoadU(d, x + k), hn::LoadU(d, mean + c));
            VF v = hn::MulSub(hn::LoadU(d, scale + c), hn::LoadU(d, g + k), hn::LoadU(d, offset + c));
            v = hn::NegMulAdd(hn::LoadU(d, slope + c), centred, v);
            if (add) v = hn::Add(v, hn::LoadU(d, to + k));
            hn::StoreU(v, d, to + k);
        }
    if (whole < f) norm_backward_ref(g, x, n, f, scale, offset, slope, mean, to, add, whole);
}

void MaxOverRows(const float* HWY_RESTRICT x, std::size_t n, std::size_t f, float* HWY_RESTRICT best,
                 std::int32_t* HWY_RESTRICT row) {
    const D d;
    const DI di;
    const std::size_t lanes = hn::Lanes(d), whole = f - f % lanes;
    const VI one = hn::Set(di, 1);
    for (std::size_t c = 0; c < whole; c += lanes) {
        VF most = hn::LoadU(d, x + c);
        VI first = hn::Zero(di), r = first;
        for (std::size_t k = f + c; k < n * f; k += f) {
            r = hn::Add(r, one);
            const VF v = hn::LoadU(d, x + k);
            // Eq, for Ne of a NaN with itself is false on some targets.
            const auto more = hn::Or(hn::Gt(v, most), hn::AndNot(hn::Eq(v, v), hn::Eq(most, most)));
            most = hn::IfThenElse(more, v, most);
            first = hn::IfThenElse(hn::RebindMask(di, more), r, first);
        }
        hn::StoreU(most, d, best + c);
        hn::StoreU(first, di, row + c);
    }
    if (whole < f) max_over_rows_ref(x, n, f, best, row, whole);
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(AffineRelu);
HWY_EXPORT(AddMoments);
HWY_EXPORT(ReluNormSums);
HWY_EXPORT(NormBackward);
HWY_EXPORT(MaxOverRows);

namespace {
std::size_t rows(std::size_t values, std::size_t channels) { return channels ? values / channels : 0; }
}  // namespace

void affine_relu(std::span<const float> x, std::span<const float> scale, std::span<const float> shift,
                 std::span<float> y) {
    const std::size_t f = scale.size();
    HWY_DYNAMIC_DISPATCH(AffineRelu)(x.data(), rows(x.size(), f), f, scale.data(), shift.data(), y.data());
}

void affine_relu(std::span<const double> x, std::span<const double> scale, std::span<const double> shift,
                 std::span<double> y) {
    const std::size_t f = scale.size();
    affine_relu_ref(x.data(), rows(x.size(), f), f, scale.data(), shift.data(), y.data());
}

void add_moments(std::span<const float> x, std::span<const float> pivot, std::span<double> sum,
                 std::span<double> square) {
    const std::size_t f = pivot.size();
    HWY_DYNAMIC_DISPATCH(AddMoments)(x.data(), rows(x.size(), f), f, pivot.data(), sum.data(), square.data());
}

void add_moments(std::span<const double> x, std::span<const double> pivot, std::span<double> sum,
                 std::span<double> square) {
    const std::size_t f = pivot.size();
    add_moments_ref(x.data(), rows(x.size(), f), f, pivot.data(), sum.data(), square.data());
}

void relu_norm_sums(std::span<float> g, std::span<const float> y, std::span<const float> x, std::span<const float> mean,
                    std::span<const float> inverse, std::span<double> sum, std::span<double> sum_n) {
    const std::size_t f = mean.size();
    HWY_DYNAMIC_DISPATCH(ReluNormSums)
    (g.data(), y.data(), x.data(), rows(x.size(), f), f, mean.data(), inverse.data(), sum.data(), sum_n.data());
}

void relu_norm_sums(std::span<double> g, std::span<const double> y, std::span<const double> x,
                    std::span<const double> mean, std::span<const double> inverse, std::span<double> sum,
                    std::span<double> sum_n) {
    const std::size_t f = mean.size();
    relu_norm_sums_ref(g.data(), y.data(), x.data(), rows(x.size(), f), f, mean.data(), inverse.data(), sum.data(),
                       sum_n.data());
}

void norm_backward(std::span<const float> g, std::span<const float> x, std::span<const float> scale,
                   std::span<const float> offset, std::span<const float> slope, std::span<const float> mean,
                   std::span<float> d, bool add) {
    const std::size_t f = mean.size();
    HWY_DYNAMIC_DISPATCH(NormBackward)
    (g.data(), x.data(), rows(x.size(), f), f, scale.data(), offset.data(), slope.data(), mean.data(), d.data(), add);
}

void norm_backward(std::span<const double> g, std::span<const double> x, std::span<const double> scale,
                   std::span<const double> offset, std::span<const double> slope, std::span<const double> mean,
                   std::span<double> d, bool add) {
    const std::size_t f = mean.size();
    norm_backward_ref(g.data(), x.data(), rows(x.size(), f), f, scale.data(), offset.data(), slope.data(), mean.data(),
                      d.data(), add);
}

void max_over_rows(std::span<const float> x, std::span<float> best, std::span<std::int32_t> row) {
    const std::size_t f = best.size();
    HWY_DYNAMIC_DISPATCH(MaxOverRows)(x.data(), rows(x.size(), f), f, best.data(), row.data());
}

void max_over_rows(std::span<const double> x, std::span<double> best, std::span<std::int32_t> row) {
    const std::size_t f = best.size();
    max_over_rows_ref(x.data(), rows(x.size(), f), f, best.data(), row.data());
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
