// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The plain loops: one sample after the other, every interval of every ray.
#pragma once

#include "nir/kernels/volume_march.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nir::kernels {

template <class Real>
struct PlainVolume {
    const float* grid;
    std::array<int, 3> size;
    int channels;

    Real at(std::array<int, 3> i, int c) const {
        const auto n = [&](int a) { return static_cast<std::size_t>(size[static_cast<std::size_t>(a)]); };
        const auto k = [&](std::size_t a) { return static_cast<std::size_t>(i[a]); };
        return static_cast<Real>(grid[((k(0) * n(1) + k(1)) * n(2) + k(2)) * static_cast<std::size_t>(channels) +
                                      static_cast<std::size_t>(c)]);
    }
    /// Trilinear, the border's value outside.
    Real sample(std::array<Real, 3> p, int c) const {
        std::array<int, 3> lo{}, hi{};
        std::array<Real, 3> f{};
        for (std::size_t a = 0; a < 3; ++a) {
            const Real x = std::clamp(p[a], Real(0), Real(size[a] - 1));
            lo[a] = static_cast<int>(x);
            hi[a] = std::min(lo[a] + 1, size[a] - 1);
            f[a] = x - Real(lo[a]);
        }
        Real sum = 0;
        for (int corner = 0; corner < 8; ++corner) {
            std::array<int, 3> i{};
            Real w = 1;
            for (std::size_t a = 0; a < 3; ++a) {
                const bool upper = (corner >> a & 1) != 0;
                i[a] = upper ? hi[a] : lo[a];
                w *= upper ? f[a] : 1 - f[a];
            }
            sum += w * at(i, c);
        }
        return sum;
    }
};

/// Colour (not premultiplied) and extinction per unit of t.
template <class Real>
std::array<Real, 4> classify(const PlainVolume<Real>& v, const VolumeLook& look, std::array<Real, 3> p) {
    if (v.channels == 4) {
        const Real a = std::min(v.sample(p, 3), Real(0.9999));
        const Real un = a > Real(1e-6) ? 1 / a : 0;
        return {v.sample(p, 0) * un, v.sample(p, 1) * un, v.sample(p, 2) * un,
                a > Real(1e-6) ? -std::log1p(-a) / Real(look.reference_length) : 0};
    }
    const std::size_t n = look.lut.size() / 4;
    const Real u =
        std::clamp((v.sample(p, 0) - Real(look.lo)) / (Real(look.hi) - Real(look.lo)), Real(0), Real(1)) * Real(n - 1);
    const std::size_t i = std::min(static_cast<std::size_t>(u), n - 2);
    const Real f = u - Real(i);
    std::array<Real, 4> out{};
    for (std::size_t c = 0; c < 4; ++c)
        out[c] = (1 - f) * Real(look.lut[4 * i + c]) + f * Real(look.lut[4 * i + 4 + c]);
    return out;
}

/// Two-sided Blinn-Phong light with the gradient as normal; 1 and 0 where there is none.
/// @return factor of the colour, and white to add.
template <class Real>
std::array<Real, 2> light_of(const PlainVolume<Real>& v, const VolumeLook& look, std::array<Real, 3> p,
                             std::array<Real, 3> view) {
    std::array<Real, 3> g{};
    const int c = v.channels - 1;
    // Beyond the border the gradient is the one of the border.
    for (std::size_t a = 0; a < 3; ++a) p[a] = std::clamp(p[a], Real(0), Real(v.size[a] - 1));
    for (std::size_t a = 0; a < 3; ++a) {
        std::array<Real, 3> lo = p, hi = p;
        lo[a] -= Real(0.5), hi[a] += Real(0.5);
        g[a] = (v.sample(hi, c) - v.sample(lo, c)) / Real(look.spacing[a]);
    }
    const Real length = std::sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]);
    if (!(length > Real(1e-12))) return {1, 0};
    std::array<Real, 3> h{};
    Real l = 0, h2 = 0, nh = 0;
    for (std::size_t a = 0; a < 3; ++a) {
        l += g[a] * Real(look.light[a]);
        h[a] = Real(look.light[a]) + view[a];
        h2 += h[a] * h[a], nh += g[a] * h[a];
    }
    Real s = std::abs(nh) / (length * std::max(std::sqrt(h2), Real(1e-6)));
    for (int i = 0; i < 5; ++i) s *= s;  // to the 32nd
    return {Real(look.ambient) + Real(look.diffuse) * std::abs(l) / length, Real(look.specular) * s};
}

template <class Real>
void march_one(const PlainVolume<Real>& v, const VolumeLook& look, const VolumeRays& rays, std::size_t i,
               VolumeSums& out) {
    const std::array<Real, 3> o{rays.ox[i], rays.oy[i], rays.oz[i]}, d{rays.dx[i], rays.dy[i], rays.dz[i]};
    std::array<Real, 3> view{};
    Real length = 0;
    for (std::size_t a = 0; a < 3; ++a) view[a] = -d[a] * Real(look.spacing[a]), length += view[a] * view[a];
    for (Real& c : view) c /= std::sqrt(std::max(length, Real(1e-30)));
    Real through = 1, sum[3] = {0, 0, 0}, sum_t = 0;
    const int n = static_cast<int>(rays.steps[i]);
    for (int k = 0; k < n && through > Real(look.stop); ++k) {
        const Real t = Real(rays.begin[i]) + (Real(k) + Real(0.5)) * Real(rays.dt[i]);
        const std::array<Real, 3> p{o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]};
        const std::array<Real, 4> c = classify(v, look, p);
        const Real alpha = 1 - std::exp(-c[3] * Real(rays.dt[i]));
        if (!(alpha > 0)) continue;
        const std::array<Real, 2> l = look.shade ? light_of(v, look, p, view) : std::array<Real, 2>{1, 0};
        const Real w = through * alpha;
        for (std::size_t a = 0; a < 3; ++a) sum[a] += w * (c[a] * l[0] + l[1]);
        sum_t += w * t;
        through *= 1 - alpha;
    }
    const bool cut = look.stop > 0 && through <= Real(look.stop);
    const Real opacity = 1 - through, up = cut ? 1 / opacity : 1;
    // What a ray that was cut off would have gathered behind is taken to look like what it has.
    out.r[i] = static_cast<float>(sum[0] * up), out.g[i] = static_cast<float>(sum[1] * up);
    out.b[i] = static_cast<float>(sum[2] * up), out.a[i] = cut ? 1.0f : static_cast<float>(opacity);
    out.t[i] = static_cast<float>(sum_t * up);
}

}  // namespace nir::kernels
