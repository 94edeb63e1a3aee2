// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>

namespace nir::nn {

/// Fully connected residual block with pre-activation: x' + fc_1(relu(fc_0(relu(x)))), x' = x, or shortcut(x) without
/// bias if the sizes differ. Starts as the identity (fc_1.weight = 0). Works on the last dimension.
/// State: fc_0, fc_1, [shortcut.weight]. Ref: onet2019, ResnetBlockFC of the papers' code.
class ResnetBlockFCImpl : public torch::nn::Module {
public:
    ResnetBlockFCImpl(std::int64_t size_in, std::int64_t size_out, std::int64_t size_hidden);
    /// The hidden size is the smaller of the two others.
    ResnetBlockFCImpl(std::int64_t size_in, std::int64_t size_out)
        : ResnetBlockFCImpl(size_in, size_out, std::min(size_in, size_out)) {}
    torch::Tensor forward(const torch::Tensor& x);

    const torch::nn::LinearImpl& fc_0() const { return *fc_0_; }
    const torch::nn::LinearImpl& fc_1() const { return *fc_1_; }
    /// Only if the sizes differ.
    const torch::nn::LinearImpl& shortcut() const { return *shortcut_; }

private:
    torch::nn::Linear fc_0_{nullptr}, fc_1_{nullptr}, shortcut_{nullptr};
};
TORCH_MODULE(ResnetBlockFC);

/// linear(cat(x, pooled)) with `pooled` the same for all points: half the work of the concatenation.
/// @param x [B,T,A]  @param pooled [B,in - A]  @return [B,T,out]
torch::Tensor linear_pooled(const torch::nn::LinearImpl& linear, const torch::Tensor& x, const torch::Tensor& pooled);

/// Largest value over the points. @param x [B,T,C]  @return [B,C], zeros if T = 0
torch::Tensor max_over_points(const torch::Tensor& x);

}  // namespace nir::nn
