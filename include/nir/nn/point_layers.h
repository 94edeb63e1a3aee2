// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/ops/conditional_norm.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::nn {

/// The activation in front of an output: ReLU or leaky ReLU (0.2).
torch::Tensor activate(const torch::Tensor& x, bool leaky);

/// A convolution of one point: a linear layer whose weight has the shape of Conv1d, [out,in,1], as checkpoints of the
/// papers have it. Works on the last dimension: points lie in rows. State: weight, [bias].
class PointConvImpl : public torch::nn::Module {
public:
    PointConvImpl(std::int64_t in, std::int64_t out, bool with_bias = true);
    torch::Tensor forward(const torch::Tensor& x) const { return torch::linear(x, matrix(), bias); }
    torch::Tensor matrix() const { return weight.squeeze(2); }

    torch::Tensor weight, bias;  ///< bias is undefined if there is none
};
TORCH_MODULE(PointConv);

/// y = x * scale + shift per channel; [B,F] each, or [1,F] if equal for the whole batch.
struct ChannelAffine {
    torch::Tensor scale, shift;
    torch::Tensor apply(const torch::Tensor& x) const {
        return torch::addcmul(shift.unsqueeze(1), x, scale.unsqueeze(1));
    }
};

/// Batch normalisation of points in rows, [B,T,F], by the module's own statistics and mode. In training mode it
/// normalises over B and T and updates the running statistics (momentum 0.1, unbiased variance).
torch::Tensor batch_norm_points(torch::nn::BatchNorm1dImpl& norm, const torch::Tensor& x);
/// What batch normalisation does in eval mode.
ChannelAffine eval_affine(const torch::nn::BatchNorm1dImpl& norm);

enum class NormMethod : std::uint8_t { batch_norm, instance_norm };

/// Conditional normalisation: gamma(c) * norm(x) + beta(c), gamma and beta linear in the code c, at first 1 and 0.
/// instance_norm takes mean and variance over the points of each shape, in eval mode as well: values then depend on
/// which points are asked together.
/// State: conv_gamma, conv_beta (weights [F,c,1]; legacy: fc_gamma, fc_beta [F,c]), bn.running_mean,
/// bn.running_var, bn.num_batches_tracked. Ref: devries2017; CBatchNorm1d and CBatchNorm1d_legacy of onet2019's code.
class ConditionalNormImpl : public torch::nn::Module {
public:
    ConditionalNormImpl(std::int64_t c_dim, std::int64_t channels, NormMethod method, bool legacy);
    /// @param x [B,T,F]  @param c [B,c_dim]
    torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& c);
    /// relu(forward(x, c)); in training mode one operation (ops/conditional_norm.h).
    torch::Tensor forward_relu(const torch::Tensor& x, const torch::Tensor& c);
    /// The whole layer in eval mode, for given codes. batch_norm only.
    ChannelAffine affine(const torch::Tensor& c) const;
    NormMethod method() const { return method_; }
    /// gamma(c) and beta(c), [B,F].
    ChannelAffine modulation(const torch::Tensor& c) const;
    double eps() const { return bn_->options.eps(); }
    /// Lets the running statistics follow those of a batch of `n` rows. batch_norm only.
    void track(const ChannelStatistics& batch, std::int64_t n);

private:
    NormMethod method_;
    torch::Tensor gamma_weight_, gamma_bias_, beta_weight_, beta_bias_;
    torch::nn::BatchNorm1d bn_{nullptr};
};
TORCH_MODULE(ConditionalNorm);

}  // namespace nir::nn
