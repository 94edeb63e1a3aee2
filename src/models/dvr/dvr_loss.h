// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "models/dvr/dvr_decoder.h"
#include "models/dvr/dvr_rays.h"

#include <torch/torch.h>

#include <cstdint>
#include <optional>

namespace nir::models {

/// Weights of the terms; sums over rays divided by the number of pictures, not of rays. Ref: niemeyer2020 §3.5.
struct DvrWeights {
    double rgb = 1, image_gradient = 0, depth = 0, sparse_depth = 0, normal = 0.05, freespace = 1, occupancy = 1;
    bool depth_on_points = false;  ///< distance of points instead of difference of depths
    /// Normals are gradients of the logit, instead of differences over 1e-3 as in the papers' code: four passes of the
    /// network for a point instead of 18, and no rounding.
    bool exact_normals = false;
    int patch = 1;  ///< pixels come in squares of patch^2, column by column
};

/// What pixels show. B pictures, N pixels each.
struct DvrTargets {
    torch::Tensor rgb;     ///< [B, N, 3], 0..1
    torch::Tensor object;  ///< [B, N] bool
    torch::Tensor depth;   ///< [B, N] of the rays' parameter, infinite = unknown; undefined without depth
};
/// Rays through points of structure from motion. B pictures, K each.
struct DvrSparse {
    DvrRays rays;
    torch::Tensor first;  ///< [B, K] what first_surface() says of them
    torch::Tensor depth;  ///< [B, K] of the points, the rays' parameter; infinite = none
};
/// Places drawn for one step.
struct DvrSamples {
    torch::Tensor freespace;     ///< [B, N, 3] a place on each ray, empty if the pixel shows background
    torch::Tensor occupancy;     ///< [B, N, 3] a place on each ray, inside if the pixel shows the object
    torch::Tensor normal_noise;  ///< [M, 3] in 0..1 for the M rays that see something; undefined = drawn
};

struct DvrLoss {
    torch::Tensor total;
    double rgb = 0, image_gradient = 0, depth = 0, sparse_depth = 0, normal = 0, freespace = 0,
           occupancy = 0;       ///< weighted
    double mask_agreement = 0;  ///< share of the rays on whose mask prediction and picture agree
    double mask_iou = 0;        ///< of the rays that see something and those that should
    double rgb_mse = 0;         ///< over the rays that do both; NaN if there are none
};
/// The loss of a step, with the gradient through the surface where it is hit. Only the rays that a term is about are
/// asked for it. @param code [B, c]  @param first [B, N] what first_surface() says of the rays
/// @param sparse  for sparse_depth: the depth of what they hit is drawn to the point; rays that hit nothing do not
/// count
DvrLoss dvr_loss(DvrDecoder decoder, const torch::Tensor& code, const DvrRays& rays, const torch::Tensor& first,
                 const DvrSamples& samples, const DvrTargets& targets, SlopeRule rule, const DvrWeights& weights,
                 const std::optional<DvrSparse>& sparse = {});

/// Values of pictures at pixels in [-1, 1]: those of the nearest texel, by the rounding of the papers' code, which
/// takes -1 and 1 for the middles of the outer texels and looks up as if they were their outer borders.
/// @param image [B, C, H, W], pixels [B, N, 2]  @return [B, N, C]; zeros beyond the border
torch::Tensor look_up(const torch::Tensor& image, const torch::Tensor& pixels);

}  // namespace nir::models
