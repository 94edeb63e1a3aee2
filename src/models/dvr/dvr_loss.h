// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "models/dvr/dvr_decoder.h"
#include "models/dvr/dvr_rays.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::models {

/// Weights of the terms; sums over rays divided by the number of pictures, not of rays. Ref: niemeyer2020 §3.5.
struct DvrWeights {
    double rgb = 1, image_gradient = 0, depth = 0, normal = 0.05, freespace = 1, occupancy = 1;
    bool depth_on_points = false;  ///< distance of points instead of difference of depths
    int patch = 1;                 ///< pixels come in squares of patch^2, column by column
};

/// Supervision of one step. B pictures, N pixels each.
struct DvrTargets {
    torch::Tensor image;  ///< [B, 3, H, W], 0..1
    torch::Tensor mask;   ///< [B, H, W], 1 = object
    torch::Tensor depth;  ///< [B, H, W], depth z of the camera, infinite = unknown; undefined without depth
};
/// Places drawn for one step.
struct DvrSamples {
    torch::Tensor pixels;        ///< [B, N, 2] in [-1, 1]
    torch::Tensor freespace;     ///< [B, N, 3] a place on each ray, empty if the pixel shows background
    torch::Tensor occupancy;     ///< [B, N, 3] a place on each ray, inside if the pixel shows the object
    torch::Tensor normal_noise;  ///< [M, 3] in 0..1 for the M rays that see something; undefined = drawn
};

struct DvrLoss {
    torch::Tensor total;
    double rgb = 0, image_gradient = 0, depth = 0, normal = 0, freespace = 0, occupancy = 0;  ///< weighted
    double mask_agreement = 0;  ///< share of the rays on whose mask prediction and picture agree
};
/// The loss of a step, with the gradient through the surface where it is hit.
/// @param code [B, c]
DvrLoss dvr_loss(DvrDecoder decoder, const torch::Tensor& code, const DvrCameras& cameras, const DvrSamples& samples,
                 const DvrTargets& targets, const DvrMarch& march, SlopeRule rule, const DvrWeights& weights);

/// Values of pictures at pixels in [-1, 1]: those of the nearest texel, by the rounding of the papers' code, which
/// takes -1 and 1 for the middles of the outer texels and looks up as if they were their outer borders.
/// @param image [B, C, H, W], pixels [B, N, 2]  @return [B, N, C]; zeros beyond the border
torch::Tensor look_up(const torch::Tensor& image, const torch::Tensor& pixels);

/// Directions in which the logit grows, by differences over 1e-3, length 1. @param p [B, M, 3]  @return [B, M, 3]
torch::Tensor logit_normals(const DvrField& field, const torch::Tensor& p);

}  // namespace nir::models
