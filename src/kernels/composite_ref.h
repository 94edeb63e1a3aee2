// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// kernels/composite.h as plain loops over one ray.
#pragma once

#include "nir/kernels/composite.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace nir::kernels {

template <class Real>
struct CompositedRay {
    std::array<Real, 3> color{};
    Real transmittance = 1;
    std::vector<Real> weights, alpha;
    std::vector<std::array<Real, 3>> rgb;
};

/// One ray from raw network outputs: log densities and colours before the logistic function.
template <class Real>
CompositedRay<Real> composite_ref(const std::vector<Real>& log_density, const std::vector<Real>& dt,
                                  const std::vector<std::array<Real, 3>>& rgb_raw,
                                  const std::array<Real, 3>& background) {
    CompositedRay<Real> out;
    for (std::size_t i = 0; i < dt.size(); ++i) {
        out.alpha.push_back(1 - std::exp(-std::exp(log_density[i]) * dt[i]));
        out.weights.push_back(out.alpha.back() * out.transmittance);
        out.transmittance *= 1 - out.alpha.back();
        out.rgb.emplace_back();
        for (std::size_t k = 0; k < 3; ++k) {
            out.rgb.back()[k] = 1 / (1 + std::exp(-rgb_raw[i][k]));
            out.color[k] += out.weights.back() * out.rgb.back()[k];
        }
    }
    for (std::size_t k = 0; k < 3; ++k) out.color[k] += out.transmittance * background[k];
    return out;
}

template <class Real>
struct CompositeGradients {
    std::vector<Real> log_density;
    std::vector<std::array<Real, 3>> rgb_raw;
};

template <class Real>
CompositeGradients<Real> composite_backward_ref(const CompositedRay<Real>& ray, const std::vector<Real>& log_density,
                                                const std::vector<Real>& dt, const std::array<Real, 3>& g) {
    CompositeGradients<Real> out;
    std::array<Real, 3> so_far{};
    Real through = 1;
    for (std::size_t i = 0; i < dt.size(); ++i) {
        through *= 1 - ray.alpha[i];
        Real by_sigma = 0;
        out.rgb_raw.emplace_back();
        for (std::size_t k = 0; k < 3; ++k) {
            const Real c = ray.rgb[i][k];
            so_far[k] += ray.weights[i] * c;
            by_sigma += g[k] * (through * c - (ray.color[k] - so_far[k]));
            out.rgb_raw.back()[k] = ray.weights[i] * g[k] * c * (1 - c);
        }
        const Real sigma = std::exp(std::clamp(log_density[i], Real(-kLogDensityClamp), Real(kLogDensityClamp)));
        out.log_density.push_back(sigma * dt[i] * by_sigma);
    }
    return out;
}

}  // namespace nir::kernels
