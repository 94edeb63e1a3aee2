// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/feature_maps.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::nn {

/// What encoder and decoder of a local model must agree on.
struct LocalDims {
    std::int64_t c_dim = 32;  ///< channels of every feature map
    double padding = 0.1;     ///< the maps cover the cube of side 1 + padding
};

/// An observation in, feature maps out.
class LocalEncoder : public torch::nn::Module {
public:
    /// @param observation  point clouds [B,N,3], N = 0 is allowed.
    virtual FeatureMaps encode(const torch::Tensor& observation) = 0;
};

/// Feature maps and query points in, logits out.
class LocalDecoder : public torch::nn::Module {
public:
    /// @param points [B,T,3], T = 0 is allowed; points outside the maps' cube read the border.  @return logits [B,T]
    virtual torch::Tensor decode(const torch::Tensor& points, const FeatureMaps& features) = 0;
};

}  // namespace nir::nn
