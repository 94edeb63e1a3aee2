// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/texture/texture_decoder.h"

namespace nir::models {

using torch::Tensor;

namespace {

constexpr double kSlope = 0.2;  ///< of the leaky ReLU in front of the outputs

torch::nn::Linear zero_linear(std::int64_t in, std::int64_t out) {
    torch::nn::Linear linear(in, out);
    const torch::NoGradGuard no_grad;
    linear->weight.zero_();
    return linear;
}

}  // namespace

void TextureDecoderConfig::describe(ConfigVisitor& v) {
    v.field("hidden", hidden, {.min = 1, .max = 4096}, "width of the layers");
    v.field("blocks", blocks, {.min = 0, .max = 64}, "residual blocks");
}

TextureDecoderImpl::TextureDecoderImpl(const TextureDecoderConfig& config, std::int64_t code, bool lit) {
    const std::int64_t h = config.hidden;
    fc_p_ = register_module("fc_p", torch::nn::Linear(3, h));
    register_module("fc_cz", fc_cz_), register_module("blocks", blocks_);
    for (std::int64_t i = 0; i < config.blocks; ++i) {
        fc_cz_->push_back(torch::nn::Linear(code, h));
        blocks_->push_back(nn::ResnetBlockFC(h, h));
    }
    fc_out_ = register_module("fc_out", zero_linear(h, 3));
    if (!lit) return;
    head_0_ = register_module("head_0", torch::nn::Linear(h + kAngles, h));
    head_1_ = register_module("head_1", torch::nn::Linear(h, h));
    head_out_ = register_module("head_out", zero_linear(h, 6));
}

Tensor TextureDecoderImpl::features(const Tensor& p, const Tensor& code) {
    Tensor h = fc_p_(p);
    for (std::size_t i = 0; i < blocks_->size(); ++i) {
        h = h + fc_cz_[i]->as<torch::nn::Linear>()->forward(code).unsqueeze(1);
        h = blocks_[i]->as<nn::ResnetBlockFC>()->forward(h);
    }
    return torch::leaky_relu(h, kSlope);
}

Tensor TextureDecoderImpl::colors(const Tensor& features) { return fc_out_(features); }

Tensor TextureDecoderImpl::lamp(const Tensor& features, const Tensor& angles) {
    const Tensor h = head_0_(torch::cat({features, angles}, -1)).relu();
    return head_out_(torch::leaky_relu(head_1_(h), kSlope));
}

}  // namespace nir::models
