// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/surface_opacity.h"

#include <algorithm>
#include <cmath>

namespace nir::kernels {
namespace {

float sigmoid(float u) { return u >= 0 ? 1 / (1 + std::exp(-u)) : std::exp(u) / (1 + std::exp(u)); }

}  // namespace

float log_sigmoid(float u) { return std::min(u, 0.0f) - std::log1p(std::exp(-std::abs(u))); }

void distance_to_alpha(std::span<const float> distance, float sharpness, float& before, std::span<float> alpha) {
    for (std::size_t i = 0; i < distance.size(); ++i) {
        const float now = log_sigmoid(sharpness * distance[i]);
        alpha[i] = -std::expm1(-std::max(0.0f, before - now));
        before = now;
    }
}

void distance_backward(RayStarts first, std::span<const float> distance, float sharpness,
                       std::span<const float> dL_dthickness, std::span<float> dL_ddistance) {
    for (std::size_t r = 0; r + 1 < first.size(); ++r) {
        float before = 0;
        for (std::size_t i = first[r]; i < first[r + 1]; ++i) {
            const float u = sharpness * distance[i], now = log_sigmoid(u), g = dL_dthickness[i];
            // d(log Phi)/df, times what the section in front and the one behind say.
            const float slope = sharpness * sigmoid(-u);
            const bool falls = now < before;
            dL_ddistance[i] = falls ? -slope * g : 0.0f;
            if (falls && i > first[r]) dL_ddistance[i - 1] += sharpness * sigmoid(-sharpness * distance[i - 1]) * g;
            before = now;
        }
    }
}

void occupancy_to_alpha(std::span<const float> logit, std::span<float> alpha) {
    for (std::size_t i = 0; i < logit.size(); ++i) alpha[i] = sigmoid(logit[i]);
}

void occupancy_backward(std::span<const float> logit, std::span<const float> dL_dthickness,
                        std::span<float> dL_dlogit) {
    for (std::size_t i = 0; i < logit.size(); ++i) dL_dlogit[i] = sigmoid(logit[i]) * dL_dthickness[i];
}

}  // namespace nir::kernels
