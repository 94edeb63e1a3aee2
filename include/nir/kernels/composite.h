// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nir::kernels {

/// Samples of several rays, ray after ray: ray r owns samples first[r] .. first[r + 1]. first has one number more than
/// there are rays.
using RayStarts = std::span<const std::uint32_t>;

/// Gradients of the density's logarithm are those at the clamped value. Ref: mueller2022, supplementary code.
inline constexpr float kLogDensityClamp = 15.0f;

/// alpha_i = 1 - exp(-exp(log_density_i) dt_i), opacity of a step of length dt_i.
/// @param log_density read at i * stride @param alpha [N] overwritten. N = 0 is allowed.
void density_to_alpha(std::span<const float> log_density, std::size_t stride, std::span<const float> dt,
                      std::span<float> alpha);

/// y = 1 / (1 + exp(-x)), in place or not.
void logistic(std::span<const float> x, std::span<float> y);

/// Quadrature of the volume rendering integral over samples from near to far, on a background:
///     w_i = alpha_i T_i,  T_{i+1} = T_i (1 - alpha_i),  C = sum w_i c_i + T background.
/// @param rgb [N, 3] @param background [rays, 3] @param weights [N] @param color [rays, 3] @param transmittance [rays],
/// what is left behind the last sample. All outputs are overwritten. Ref: mildenhall2020, eq. 3; max1995.
void composite_forward(RayStarts first, std::span<const float> alpha, std::span<const float> rgb,
                       std::span<const float> background, std::span<float> weights, std::span<float> color,
                       std::span<float> transmittance);

/// What the backward pass reads of the forward pass, and where it writes.
struct CompositeBackward {
    std::span<const float> log_density;  ///< at i * log_density_stride
    std::size_t log_density_stride = 1;
    std::span<const float> dt, weights, alpha;  ///< [N]
    std::span<const float> rgb;                 ///< [N, 3], behind the logistic function
    std::span<const float> color, dL_dcolor;    ///< [rays, 3]; the background's part is in color
    std::span<float> dL_drgb_raw;               ///< at i * rgb_raw_stride + 0..2: before the logistic function
    std::size_t rgb_raw_stride = 3;
    std::span<float> dL_dlog_density;  ///< [N]
};

/// dL/dc_i = w_i g,  dL/dsigma_i = dt_i <g, T_{i+1} c_i - S_i> with the colour S_i behind sample i, background
/// included. Ref: mueller2022 (supplementary code); max1995.
void composite_backward(RayStarts first, const CompositeBackward& in);

/// Huber's loss, divided by 5: quadratic up to alpha, linear beyond; dL/dd in `slope`.
struct Huber {
    float loss = 0, slope = 0;
};
Huber huber(float difference, float alpha = 0.1f);

}  // namespace nir::kernels
