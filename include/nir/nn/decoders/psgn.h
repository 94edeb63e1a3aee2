// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/psgn_cond.h"

#include <torch/torch.h>

#include <array>
#include <cstdint>

namespace nir::nn {

/// A code in, a set of points out: four fully connected layers of 512. State: fc_0, fc_1, fc_2, fc_out.
/// Ref: fan2017 (the branch without convolutions); psgn Decoder of the papers' code.
class PsgnSimpleImpl : public torch::nn::Module {
public:
    PsgnSimpleImpl(std::int64_t c_dim, std::int64_t n_points);
    /// @param code [B,c].  @return [B,n,3]
    torch::Tensor forward(const torch::Tensor& code);

private:
    std::int64_t n_points_;
    torch::nn::Linear fc_0_{nullptr}, fc_1_{nullptr}, fc_2_{nullptr}, fc_out_{nullptr};
};
TORCH_MODULE(PsgnSimple);

/// The two branches of the point set generation network: n - 768 points from a fully connected layer, whose output is
/// cut off at 0 as in the papers' code, then 768 points from up-convolutions that also see the encoder's maps.
/// Their three channels are taken as rows of numbers, not pixel by pixel, as every trained model has it.
/// State: fc_branch.0, deconv_1..4 (the fourth is never used, but is part of every checkpoint), conv_1..3.0, conv_4.
/// Ref: fan2017 §4.2; PCGN_2Branch of the papers' code.
class PsgnTwoBranchImpl : public torch::nn::Module {
public:
    static constexpr std::int64_t kConvPoints = 24 * 32;
    /// @throws nir::Error (config) if c_dim is no multiple of 32 or n_points not above 768.
    PsgnTwoBranchImpl(std::int64_t c_dim, std::int64_t n_points);
    /// @return [B,n,3]
    torch::Tensor forward(const PsgnFeatures& features);

private:
    std::int64_t n_points_;
    torch::nn::Sequential fc_branch_;
    std::array<torch::nn::ConvTranspose2d, 4> deconvs_{nullptr, nullptr, nullptr, nullptr};
    std::array<torch::nn::Sequential, 3> convs_;
    torch::nn::Conv2d conv_4_{nullptr};
};
TORCH_MODULE(PsgnTwoBranch);

}  // namespace nir::nn
