// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/composite.h"

#include <span>

namespace nir::kernels {

/// Opacity of fields that have a surface. All of it is in optical thickness tau = -log(1 - alpha), so that
/// composite_backward serves them too: asked with a density of 1 and steps of 1 it gives dL/dtau.

/// log(1 / (1 + exp(-u))), exact at both ends.
float log_sigmoid(float u);

/// NeuS: between two samples of a ray tau = max(0, log Phi(s f_before) - log Phi(s f)), Phi the logistic function and f
/// the signed distance, positive outside. That is alpha = max(0, (Phi_before - Phi) / Phi_before), without its
/// cancellation. Sums telescope: gaps between samples hide nothing. Ref: wang2021, eq. 13.
/// @param distance samples of a stretch of one ray, in order @param before log Phi in front of them, 0 for outside;
/// becomes that of the last one @param alpha [N] overwritten.
void distance_to_alpha(std::span<const float> distance, float sharpness, float& before, std::span<float> alpha);

/// dL/df from dL/dtau, ray by ray; each ray begins outside. @param dL_ddistance [N] overwritten; may be dL_dthickness.
void distance_backward(RayStarts first, std::span<const float> distance, float sharpness,
                       std::span<const float> dL_dthickness, std::span<float> dL_ddistance);

/// UNISURF: alpha is the occupancy 1 / (1 + exp(-logit)) itself, whatever the step. Ref: oechsle2021, eq. 7.
void occupancy_to_alpha(std::span<const float> logit, std::span<float> alpha);
/// dL/dlogit = alpha dL/dtau. @param dL_dlogit [N] overwritten; may be dL_dthickness.
void occupancy_backward(std::span<const float> logit, std::span<const float> dL_dthickness, std::span<float> dL_dlogit);

}  // namespace nir::kernels
