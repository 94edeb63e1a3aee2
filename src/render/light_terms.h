// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The formulas of a light field, shared by pictures and training.
#pragma once

#include "nir/geom/vec.h"

#include <algorithm>
#include <cmath>

namespace nir::render {

inline float softplus(float x) { return x > 15 ? x : std::log1p(std::exp(x)); }
inline float logistic_of(float x) { return 1 / (1 + std::exp(-x)); }

/// Everything starts dark: what is clipped at white has no slope.
inline constexpr float kAmbientShift = -4, kDirectShift = -1, kIndirectShift = -4;

inline float ambient_term(float raw) { return softplus(raw + kAmbientShift); }

/// Radiance per colour and falloff of a lamp. @param shade visible share times max(n.l, 0)
inline float lamp_terms(float shade, float direct, float indirect) {
    return shade * softplus(direct + kDirectShift) + softplus(indirect + kIndirectShift);
}

/// 16 numbers: 1, cosines between normal, eye, light and the half vector, Fresnel's power, lobes of eight widths.
inline void angle_features(geom::Vec3f n, geom::Vec3f v, geom::Vec3f l, float* out) {
    const geom::Vec3f h = normalized(v + l);
    const float nl = dot(n, l), nv = std::max(dot(n, v), 0.0f), nh = std::max(dot(n, h), 0.0f),
                vh = std::max(dot(v, h), 0.0f), graze = (1 - vh) * (1 - vh);
    out[0] = 1, out[1] = nl, out[2] = std::max(nl, 0.0f), out[3] = nv, out[4] = nh, out[5] = vh;
    out[6] = graze * graze * (1 - vh);
    out[7] = nl * nv;
    float lobe = nh * nh * nh * nh;
    for (int i = 8; i < 16; ++i) out[i] = lobe, lobe *= lobe;
}

}  // namespace nir::render
