// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/nerf.h"

#include "models/nerf/nerf_net.h"

#include <torch/torch.h>

#include <cstdint>

// Rays through a neural radiance field, as published: the readable reference. All tensors are float32; R rays, S
// samples along each. Depths are multiples of the ray's direction, which need not have length 1.
namespace nir::models {

/// Depths of S samples: even between near and far (in depth, or in its inverse), or, with random numbers, anywhere in
/// the cell around each, whose ends are the middles. @param near, far [R, 1]
/// @param u [R, S] in 0..1, or undefined = the even ones  @return [R, S]. Ref: mildenhall2020 eq. 2.
torch::Tensor stratified_depths(const torch::Tensor& near, const torch::Tensor& far, std::int64_t samples,
                                bool linear_in_disparity, const torch::Tensor& u);

/// Depths drawn from the piecewise constant density that weights describe. @param bins [R, B] borders, ascending
/// @param weights [R, B - 1], >= 0  @param u [R, S] in 0..1  @return [R, S], without gradient.
/// Ref: mildenhall2020 §5.2.
torch::Tensor sample_depths(const torch::Tensor& bins, const torch::Tensor& weights, const torch::Tensor& u);

/// What a ray sees.
struct NerfMaps {
    torch::Tensor rgb;      ///< [R, 3]
    torch::Tensor depth;    ///< [R], mean over the weights, not divided by the opacity
    torch::Tensor opacity;  ///< [R]
    torch::Tensor weights;  ///< [R, S]
    /// 1 / (depth / opacity), [R]
    torch::Tensor disparity() const;
};
/// Quadrature of the volume rendering integral; the last sample reaches to infinity (1e10), so that any density there
/// makes the ray opaque. @param raw [R, S, 4] of NerfNet, depths [R, S], directions [R, 3]
/// @param noise [R, S] added to the raw density, or undefined. Ref: mildenhall2020 eq. 3.
NerfMaps composite(const torch::Tensor& raw, const torch::Tensor& depths, const torch::Tensor& directions,
                   bool white_background, const torch::Tensor& noise);

/// The random numbers of one rendering, for those who need them fixed; undefined ones are left out (even samples, no
/// noise).
struct NerfDraws {
    torch::Tensor coarse_u, fine_u;          ///< [R, coarse], [R, fine] in 0..1
    torch::Tensor coarse_noise, fine_noise;  ///< [R, coarse], [R, coarse + fine]
};

struct NerfRendering {
    NerfMaps coarse, fine;  ///< fine = coarse without fine samples
    torch::Tensor raw;      ///< of the last pass
    torch::Tensor spread;   ///< [R], standard deviation of the fine samples' depths
};
/// Coarse samples, then fine ones where the coarse network saw something; the fine network sees both.
/// @param origins, directions [R, 3]; viewed [R, 3], length 1: the direction before any warp
NerfRendering render_rays(NerfNet coarse, NerfNet fine, const torch::Tensor& origins, const torch::Tensor& directions,
                          const torch::Tensor& viewed, const NerfSampling& sampling, const NerfDraws& draws);

}  // namespace nir::models
