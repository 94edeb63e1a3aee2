// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/scalar_field.h"
#include "nir/kernels/residual_mlp.h"

#include "models/dvr/dvr_decoder.h"
#include "models/dvr/dvr_rays.h"

#include <memory>

namespace nir::models {

/// Occupancy of the decoder for one code as a kernel: its weights as they are now. Output 0 is the logit, 1 to 3 the
/// logits of the colours if `colors`.
/// @param code [c_dim], ignored if c_dim = 0
kernels::ResidualMlp packed_decoder(DvrDecoder decoder, const torch::Tensor& code, bool colors = false);

/// The same as a field; where the decoder has colours it is an extract::ColorSource too.
std::unique_ptr<extract::ScalarField> decoder_field(DvrDecoder decoder, const torch::Tensor& code, double padding,
                                                    double threshold);

/// first_surface() by the kernel, front to back: a ray is no longer asked once it has met the surface, so a march costs
/// what lies in front of things. The same result up to rounding; the same bits for any number of threads.
/// @param code [B, c_dim]. f32.  @return [B, N]
torch::Tensor first_surface(DvrDecoder decoder, const torch::Tensor& code, const DvrRays& rays, const DvrMarch& march);

}  // namespace nir::models
