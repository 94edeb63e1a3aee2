// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/residual_mlp.h"
#include "nir/nn/decoders/global_decoder.h"
#include "nir/nn/point_layers.h"

#include <memory>
#include <optional>
#include <vector>

namespace nir::nn {

/// A decoder of residual blocks for one shape, in eval mode, normalisations folded: per block one affine step, two
/// matrix products and two activations. Layers are added in order; tensors are copied. float32 runs in a kernel
/// (kernels/residual_mlp.h) over nir's pool, with its own derivatives; other types in torch.
class FoldedResnet {
public:
    /// First layer: weight [H,3], bias [H]; `constant` [1,H] is what the codes add (may be undefined).
    void first(const torch::Tensor& weight, const torch::Tensor& bias, const torch::Tensor& constant);
    /// Block x + w1 relu(n1(w0 relu(n0(x)) + b0)) + b1; norms may be missing.
    void block(const std::optional<ChannelAffine>& n0, const torch::Tensor& w0, const torch::Tensor& b0,
               const std::optional<ChannelAffine>& n1, const torch::Tensor& w1, const torch::Tensor& b1);
    void last(const std::optional<ChannelAffine>& n, bool leaky, const torch::Tensor& weight,
              const torch::Tensor& bias);

    /// @param points [1,T,3]  @return logits [1,T]
    torch::Tensor operator()(const torch::Tensor& points) const;

private:
    struct Step {
        torch::Tensor scale, shift;  // [H]; scale is undefined if it is 1
    };
    struct Block {
        Step in;
        torch::Tensor w0, b0, w1;  // w transposed: [in,out]
    };
    /// The affine step in front of an activation, with the biases that x still lacks.
    Step step(const std::optional<ChannelAffine>& n) const;
    static torch::Tensor apply(const Step& step, const torch::Tensor& x);
    torch::Tensor rows(const torch::Tensor& points) const;

    kernels::ResidualNetwork<float> network_;
    std::shared_ptr<const kernels::ResidualMlp> kernel_;
    torch::Tensor w_in_, b_in_, w_out_, b_out_;
    std::vector<Block> blocks_;
    Step last_;
    bool leaky_ = false;
    torch::Tensor owed_;  // sum of the b1 so far: added where x is next read instead of where it is written
};

}  // namespace nir::nn
