// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/global_encoder.h"

#include <functional>

namespace nir::nn {

/// Query points and the codes of a shape in, logits out.
class GlobalDecoder : public torch::nn::Module {
public:
    /// Points [1,T,3] of one shape to its logits [1,T].
    using ShapeFunction = std::function<torch::Tensor(const torch::Tensor& points)>;

    /// @param points [B,T,3], T = 0 is allowed in eval mode.  @param z [B,z_dim]  @param c [B,c_dim]
    /// @return logits [B,T]
    virtual torch::Tensor decode(const torch::Tensor& points, const torch::Tensor& z, const torch::Tensor& c) = 0;

    /// The network of one shape in eval mode, everything that does not depend on the point computed once. Equal to
    /// decode() within rounding; differentiable in the points only. Owns copies: later training does not change it.
    /// @param z [1,z_dim]  @param c [1,c_dim]
    virtual ShapeFunction fold(const torch::Tensor& z, const torch::Tensor& c) = 0;
};

}  // namespace nir::nn
