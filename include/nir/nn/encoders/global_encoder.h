// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/observation_kind.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::nn {

/// What the encoder and the decoder of a model with one code per shape must agree on.
struct GlobalDims {
    std::int64_t c_dim = 512;  ///< length of the code of the observation; 0 = none
    std::int64_t z_dim = 0;    ///< length of the latent code of a generative model; 0 = none
};

/// An observation in, one code per shape out.
class GlobalEncoder : public torch::nn::Module {
public:
    virtual ObservationKind takes() const = 0;
    /// @param observation  by takes(): points [B,N,3] (N = 0 pools to zeros); voxels [B,X,Y,Z]; image [B,3,H,W], RGB in
    ///        0..1; index [B] int64; none: any tensor with the batch first.
    /// @return [B,c_dim]
    /// @throws nir::Error (input) for a picture or grid of a size the network cannot take, or a number out of range.
    virtual torch::Tensor encode(const torch::Tensor& observation) = 0;
};

}  // namespace nir::nn
