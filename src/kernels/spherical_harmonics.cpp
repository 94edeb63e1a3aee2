// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/spherical_harmonics.h"

#include "kernels/spherical_harmonics_ref.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/spherical_harmonics.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kTile = 16;
using D = hn::CappedTag<float, kTile>;

/// kTile directions; columns[k][i].
void ShTile(const float (&dir)[3][kTile], float (&columns)[16][kTile]) {
    const D d;
    const ShConstants k;
    const auto c = [&](double v) HWY_ATTR { return hn::Set(d, static_cast<float>(v)); };
    for (std::size_t i = 0; i < kTile; i += hn::Lanes(d)) {
        const auto x = hn::Load(d, dir[0] + i), y = hn::Load(d, dir[1] + i), z = hn::Load(d, dir[2] + i);
        const auto xx = hn::Mul(x, x), yy = hn::Mul(y, y), zz = hn::Mul(z, z);
        const auto difference = hn::Sub(xx, yy), five = hn::NegMulAdd(c(5), zz, c(1));
        const auto put = [&](std::size_t row, auto value) HWY_ATTR { hn::Store(value, d, columns[row] + i); };
        put(0, c(k.c0)), put(1, hn::Mul(c(-k.c1), y)), put(2, hn::Mul(c(k.c1), z)), put(3, hn::Mul(c(-k.c1), x));
        put(4, hn::Mul(c(k.xy), hn::Mul(x, y))), put(5, hn::Mul(c(-k.xy), hn::Mul(y, z)));
        put(6, hn::MulSub(c(k.z2), zz, c(k.z2_minus))), put(7, hn::Mul(c(-k.xy), hn::Mul(x, z)));
        put(8, hn::Mul(c(k.x2y2), difference));
        put(9, hn::Mul(c(k.y3), hn::Mul(y, hn::NegMulAdd(c(3), xx, yy))));
        put(10, hn::Mul(c(k.xyz), hn::Mul(x, hn::Mul(y, z)))), put(11, hn::Mul(c(k.yz2), hn::Mul(y, five)));
        put(12, hn::Mul(c(k.z3), hn::Mul(z, hn::MulSub(c(5), zz, c(3))))), put(13, hn::Mul(c(k.yz2), hn::Mul(x, five)));
        put(14, hn::Mul(c(k.zx2y2), hn::Mul(z, difference)));
        put(15, hn::Mul(c(k.y3), hn::Mul(x, hn::MulSub(c(3), yy, xx))));
    }
}

void Sh(const float* x, const float* y, const float* z, std::size_t n, float* out, std::size_t stride) {
    HWY_ALIGN float dir[3][kTile] = {};
    HWY_ALIGN float columns[16][kTile];
    for (std::size_t begin = 0; begin < n; begin += kTile) {
        const std::size_t count = std::min(kTile, n - begin);
        std::copy_n(x + begin, count, dir[0]);
        std::copy_n(y + begin, count, dir[1]);
        std::copy_n(z + begin, count, dir[2]);
        ShTile(dir, columns);
        for (std::size_t i = 0; i < count; ++i)
            for (std::size_t k = 0; k < 16; ++k) out[(begin + i) * stride + k] = columns[k][i];
    }
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(Sh);

void spherical_harmonics(std::span<const float> x, std::span<const float> y, std::span<const float> z,
                         std::span<float> out, std::size_t stride) {
    HWY_DYNAMIC_DISPATCH(Sh)(x.data(), y.data(), z.data(), x.size(), out.data(), stride);
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
