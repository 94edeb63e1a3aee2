// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <span>

namespace nir::nn {

/// A decoder of one observation in eval mode, ready for points: weights packed for the kernels, features in their
/// layout. Owns copies: later training does not change it. Calls split the points over nir's pool.
class PointFunction {
public:
    virtual ~PointFunction() = default;
    /// @param points [N,3], frame of the model.  @param out [N] logits, overwritten
    virtual void values(std::span<const float> points, std::span<float> out) const = 0;
    /// False: gradients() may not be called.
    virtual bool has_gradients() const { return true; }
    /// @param gradients [N,3] of the logit with respect to the point, overwritten
    virtual void gradients(std::span<const float> points, std::span<float> gradients) const = 0;
};

}  // namespace nir::nn
