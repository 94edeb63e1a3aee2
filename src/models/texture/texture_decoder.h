// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/nn/resnet_fc.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::models {

/// Sizes of the decoder of texture and light fields.
struct TextureDecoderConfig {
    std::int64_t hidden = 128;  ///< width
    std::int64_t blocks = 5;    ///< residual blocks
    void describe(ConfigVisitor& v);
};

/// Points of a surface to colours: residual blocks, the codes of shape and picture added in front of each.
/// With lamps: the light without lamps, and from the same features, the angles between normal, eye and lamp, what a
/// lamp adds directly and indirectly.
/// Ref: oechsle2019 (texture fields) §3.2; oechsle2020 (surface light fields) §3.
class TextureDecoderImpl : public torch::nn::Module {
public:
    static constexpr std::int64_t kAngles = 16;  ///< of render/light_terms.h
    TextureDecoderImpl(const TextureDecoderConfig& config, std::int64_t code, bool lit);

    /// @param p [B,N,3], code [B,code]  @return features [B,N,hidden]
    torch::Tensor features(const torch::Tensor& p, const torch::Tensor& code);
    /// Logits of the colours, or of the light without lamps. @return [B,N,3]
    torch::Tensor colors(const torch::Tensor& features);
    /// Direct and indirect part of a lamp, before their softplus. @param angles [B,N,16]  @return [B,N,6]
    torch::Tensor lamp(const torch::Tensor& features, const torch::Tensor& angles);

private:
    torch::nn::Linear fc_p_{nullptr}, fc_out_{nullptr}, head_0_{nullptr}, head_1_{nullptr}, head_out_{nullptr};
    torch::nn::ModuleList fc_cz_, blocks_;
};
TORCH_MODULE(TextureDecoder);

}  // namespace nir::models
