// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/dvr/dvr_decoder.h"

#include <cmath>

namespace nir::models {

using torch::Tensor;

namespace {

constexpr double kLeak = 0.2;

}  // namespace

void DvrDecoderConfig::describe(ConfigVisitor& v) {
    v.field("c_dim", c_dim, {.min = 0, .max = 4096}, "size of the code; 0: one object, no code");
    v.field("hidden", hidden, {.min = 1, .max = 4096}, "width of the layers");
    v.field("blocks", blocks, {.min = 0, .max = 64}, "residual blocks");
    v.field("out_dim", out_dim, {.min = 1, .max = 4}, "4: occupancy and colour; 1: occupancy alone");
    v.field("leaky", leaky, "leaky ReLU before the last layer");
    v.check(out_dim == 1 || out_dim == 4, "out_dim", "must be 1 or 4");
}

DvrDecoderImpl::DvrDecoderImpl(const DvrDecoderConfig& config) : config_(config) {
    fc_p_ = register_module("fc_p", torch::nn::Linear(3, config.hidden));
    fc_out_ = register_module("fc_out", torch::nn::Linear(config.hidden, config.out_dim));
    if (config.c_dim > 0) register_module("fc_c", fc_c_);
    register_module("blocks", blocks_);
    for (int i = 0; i < config.blocks; ++i) {
        if (config.c_dim > 0) fc_c_->push_back(torch::nn::Linear(config.c_dim, config.hidden));
        blocks_->push_back(nn::ResnetBlockFC(config.hidden, config.hidden));
    }
}

Tensor DvrDecoderImpl::forward(const Tensor& p, const Tensor& c) {
    const Tensor picture = torch::arange(p.size(0)).repeat_interleave(p.size(1));
    return at_points(p.reshape({-1, 3}), picture, c).view({p.size(0), p.size(1), config_.out_dim});
}

Tensor DvrDecoderImpl::at_points(const Tensor& p, const Tensor& picture, const Tensor& c) {
    Tensor h = fc_p_(p);
    for (std::size_t i = 0; i < blocks_->size(); ++i) h = block(i).forward(with_code(h, i, picture, c));
    return fc_out_(config_.leaky ? torch::leaky_relu(h, kLeak) : h.relu());
}

Tensor DvrDecoderImpl::with_code(const Tensor& h, std::size_t i, const Tensor& picture, const Tensor& c) {
    if (config_.c_dim == 0) return h;
    return h + fc_c_[i]->as<torch::nn::Linear>()->forward(c).index_select(0, picture);
}

Tensor DvrDecoderImpl::logit_gradients(const Tensor& p, const Tensor& picture, const Tensor& c) {
    std::vector<Tensor> before;  // in front of each ReLU
    {
        const torch::NoGradGuard no_grad;
        Tensor h = fc_p_(p);
        for (std::size_t i = 0; i < blocks_->size(); ++i) {
            const auto &first = block(i).fc_0(), &second = block(i).fc_1();
            before.push_back(with_code(h, i, picture, c));
            before.push_back(torch::linear(before.back().relu(), first.weight, first.bias));
            h = before[2 * i] + torch::linear(before[2 * i + 1].relu(), second.weight, second.bias);
        }
        before.push_back(h);
    }
    const auto through = [](const Tensor& v, const Tensor& x) { return torch::threshold_backward(v, x, 0); };
    Tensor v = fc_out_->weight.narrow(0, 0, 1).expand_as(before.back());
    v = config_.leaky ? torch::where(before.back() > 0, v, kLeak * v) : through(v, before.back());
    for (std::size_t i = blocks_->size(); i-- > 0;) {
        const Tensor inner = through(torch::matmul(v, block(i).fc_1().weight), before[2 * i + 1]);
        v = v + through(torch::matmul(inner, block(i).fc_0().weight), before[2 * i]);
    }
    return torch::matmul(v, fc_p_->weight);
}

void DvrDecoderImpl::start_as_ball(double radius, double slope) {
    const torch::NoGradGuard no_grad;
    fc_p_->weight.normal_(0, 1), fc_p_->bias.zero_();
    // Codes say nothing at first.
    for (const auto& layer : *fc_c_) {
        auto& linear = *layer->as<torch::nn::Linear>();
        linear.weight.zero_(), linear.bias.zero_();
    }
    // The last layers of the blocks are zero from the start, so the activations arrive as they are.
    fc_out_->weight.zero_(), fc_out_->bias.zero_();
    fc_out_->weight[0].fill_(-slope * std::sqrt(2 * M_PI) / config_.hidden);
    fc_out_->bias[0] = slope * radius;
}

}  // namespace nir::models
