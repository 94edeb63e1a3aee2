// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>

namespace nir::nn {

/// What the two-branch decoder of the point set network is given: the code as a small image, and what it came from.
struct PsgnFeatures {
    torch::Tensor code;                 ///< [B,c,3,4]
    std::array<torch::Tensor, 3> maps;  ///< [B,c/8,24,32], [B,c/4,12,16], [B,c/2,6,8]
};

/// Image encoder of the point set generation network: seven groups of convolutions and three side outputs without ReLU.
/// The picture is not normalised. c must be a multiple of 32. State: conv_block1..7, trans_conv1..3.
/// Ref: fan2017 §4.2; PCGN_Cond of the papers' code.
class PsgnCondImpl : public torch::nn::Module {
public:
    /// @throws nir::Error (config) if c_dim is no positive multiple of 32.
    explicit PsgnCondImpl(std::int64_t c_dim);
    /// @param images [B,3,192,256], RGB in 0..1. @throws nir::Error (input) for another size.
    PsgnFeatures forward(const torch::Tensor& images);

private:
    std::array<torch::nn::Sequential, 7> blocks_;
    std::array<torch::nn::Conv2d, 3> sides_{nullptr, nullptr, nullptr};
};
TORCH_MODULE(PsgnCond);

}  // namespace nir::nn
