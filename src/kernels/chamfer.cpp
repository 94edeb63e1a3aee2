// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/chamfer.h"

#include "kernels/chamfer_ref.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/chamfer.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Every lane holds one query and walks through all of `to`; two vectors of queries share a load and hide the latency of
// the comparison.
HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;
using VF = hn::Vec<D>;
using VI = hn::Vec<DI>;

HWY_INLINE void Closer(VF x, VF y, VF z, VF tx, VF ty, VF tz, VI j, VF& best, VI& first) {
    const DI di;
    const VF dx = hn::Sub(x, tx), dy = hn::Sub(y, ty), dz = hn::Sub(z, tz);
    const VF d = hn::MulAdd(dz, dz, hn::MulAdd(dy, dy, hn::Mul(dx, dx)));
    const auto closer = hn::Lt(d, best);  // false for NaN
    best = hn::IfThenElse(closer, d, best);
    first = hn::IfThenElse(hn::RebindMask(di, closer), j, first);
}

/// Queries of two vectors: from [2 lanes, 3], results of as many.
HWY_INLINE void NearestOfTwo(const float* HWY_RESTRICT from, const float* HWY_RESTRICT to, std::size_t m,
                             float* HWY_RESTRICT squared, std::int32_t* HWY_RESTRICT index) {
    const D d;
    const DI di;
    const std::size_t lanes = hn::Lanes(d);
    VF x0, y0, z0, x1, y1, z1;
    hn::LoadInterleaved3(d, from, x0, y0, z0);
    hn::LoadInterleaved3(d, from + 3 * lanes, x1, y1, z1);
    VF best0 = hn::Set(d, std::numeric_limits<float>::infinity()), best1 = best0;
    VI first0 = hn::Zero(di), first1 = first0, j = first0;
    const VI one = hn::Set(di, 1);
    for (std::size_t k = 0; k < m; ++k, to += 3, j = hn::Add(j, one)) {
        const VF tx = hn::Set(d, to[0]), ty = hn::Set(d, to[1]), tz = hn::Set(d, to[2]);
        Closer(x0, y0, z0, tx, ty, tz, j, best0, first0);
        Closer(x1, y1, z1, tx, ty, tz, j, best1, first1);
    }
    hn::StoreU(best0, d, squared);
    hn::StoreU(best1, d, squared + lanes);
    hn::StoreU(first0, di, index);
    hn::StoreU(first1, di, index + lanes);
}

void NearestPoints(const float* HWY_RESTRICT from, std::size_t n, const float* HWY_RESTRICT to, std::size_t m,
                   float* HWY_RESTRICT squared, std::int32_t* HWY_RESTRICT index) {
    const D d;
    const std::size_t step = 2 * hn::Lanes(d);
    std::size_t i = 0;
    for (; i + step <= n; i += step) NearestOfTwo(from + 3 * i, to, m, squared + i, index + i);
    if (i == n) return;
    // The rest goes through the same arithmetic, padded with zeros.
    constexpr std::size_t kMost = 2 * hn::MaxLanes(D());
    HWY_ALIGN float points[3 * kMost] = {}, distances[kMost];
    HWY_ALIGN std::int32_t nearest[kMost];
    std::copy(from + 3 * i, from + 3 * n, points);
    NearestOfTwo(points, to, m, distances, nearest);
    std::copy(distances, distances + (n - i), squared + i);
    std::copy(nearest, nearest + (n - i), index + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(NearestPoints);

void nearest_points(std::span<const float> from, std::span<const float> to, std::span<float> squared,
                    std::span<std::int32_t> index) {
    HWY_DYNAMIC_DISPATCH(NearestPoints)
    (from.data(), squared.size(), to.data(), to.size() / 3, squared.data(), index.data());
}

void nearest_points(std::span<const double> from, std::span<const double> to, std::span<double> squared,
                    std::span<std::int32_t> index) {
    nearest_points_ref(from, to, squared, index);
}

void nearest_points_backward(std::span<const float> from, std::span<const float> to,
                             std::span<const std::int32_t> index, std::span<const float> dL_dsquared,
                             std::span<float> dL_dfrom, std::span<float> dL_dto) {
    nearest_points_backward_ref(from, to, index, dL_dsquared, dL_dfrom, dL_dto);
}

void nearest_points_backward(std::span<const double> from, std::span<const double> to,
                             std::span<const std::int32_t> index, std::span<const double> dL_dsquared,
                             std::span<double> dL_dfrom, std::span<double> dL_dto) {
    nearest_points_backward_ref(from, to, index, dL_dsquared, dL_dfrom, dL_dto);
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
