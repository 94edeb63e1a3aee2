// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The formulas of kernels/local_decoder.h as plain loops, in float or double.
#pragma once

#include "nir/kernels/local_decoder.h"

#include "kernels/residual_mlp_ref.h"

#include <algorithm>
#include <cmath>

namespace nir::kernels {

/// Adds what the map says at the point. @param p [3]  @param c [channels]
template <class Real>
void add_features_ref(const FeatureMap& map, std::span<const Real> p, std::span<Real> c) {
    std::size_t cell[3] = {0, 0, 0}, step[3] = {0, 0, 0};
    Real f[3] = {0, 0, 0};
    for (std::size_t i = 0; i < map.dims; ++i) {
        Real u =
            (p[static_cast<std::size_t>(map.axis[i])] - static_cast<Real>(map.lower[i])) / static_cast<Real>(map.side);
        if (u >= Real(1)) u = static_cast<Real>(map.cap);
        if (!(u >= Real(0))) u = 0;  // NaN too
        const Real x = u * static_cast<Real>(map.size[i] - 1);
        if (map.nearest) {
            cell[i] = static_cast<std::size_t>(std::nearbyint(x));
        } else if (map.size[i] > 1) {
            cell[i] = std::min(static_cast<std::size_t>(x), map.size[i] - 2);
            f[i] = x - static_cast<Real>(cell[i]);
            step[i] = 1;
        }
    }
    for (std::size_t corner = 0; corner < 8; ++corner) {
        Real w = 1;
        std::size_t at[3];
        for (std::size_t i = 0; i < 3; ++i) {
            const bool up = corner >> i & 1u;
            w *= up ? f[i] : 1 - f[i];
            at[i] = cell[i] + (up ? step[i] : 0);
        }
        if (w == Real(0)) continue;
        const std::size_t n = c.size(), row = ((at[2] * map.size[1] + at[1]) * map.size[0] + at[0]) * n;
        for (std::size_t k = 0; k < n; ++k) c[k] += w * static_cast<Real>(map.values[row + k]);
    }
}

/// One point; the network is told the point itself, or nothing. @param out [outputs]
template <class Real>
void local_decoder_ref(const ResidualNetwork<Real>& net, const std::vector<FeatureMap>& maps, std::span<const Real> p,
                       std::span<Real> out) {
    std::vector<Real> c(net.features, Real(0));
    for (const FeatureMap& map : maps) add_features_ref<Real>(map, p, c);
    residual_mlp_ref<Real>(net, p.subspan(0, net.inputs), c, out);
}

}  // namespace nir::kernels
