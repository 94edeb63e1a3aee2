// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/point_layers.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::nn {

using torch::Tensor;

Tensor activate(const Tensor& x, bool leaky) { return leaky ? torch::leaky_relu(x, 0.2) : torch::relu(x); }

PointConvImpl::PointConvImpl(std::int64_t in, std::int64_t out, bool with_bias) {
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    weight = register_parameter("weight", torch::empty({out, in, 1}).uniform_(-bound, bound));
    if (with_bias) bias = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

ChannelAffine eval_affine(const torch::nn::BatchNorm1dImpl& norm) {
    const Tensor inverse = torch::rsqrt(norm.running_var + norm.options.eps());
    ChannelAffine out{inverse, -norm.running_mean * inverse};
    if (norm.weight.defined()) {
        out.scale = out.scale * norm.weight;
        out.shift = out.shift * norm.weight + norm.bias;
    }
    out.scale = out.scale.unsqueeze(0), out.shift = out.shift.unsqueeze(0);
    return out;
}

Tensor batch_norm_points(torch::nn::BatchNorm1dImpl& norm, const Tensor& x) {
    if (!norm.is_training()) return eval_affine(norm).apply(x);
    {
        const torch::NoGradGuard no_grad;
        norm.num_batches_tracked.add_(1);
    }
    // Rows of points are the channels-last layout of a picture of T x 1 pixels: no copy is made.
    const Tensor picture = x.contiguous().transpose(1, 2).unsqueeze(3);
    const Tensor y = torch::batch_norm(picture, norm.weight, norm.bias, norm.running_mean, norm.running_var, true,
                                       norm.options.momentum().value(), norm.options.eps(), false);
    return y.squeeze(3).transpose(1, 2);
}

ConditionalNormImpl::ConditionalNormImpl(std::int64_t c_dim, std::int64_t channels, NormMethod method, bool legacy)
    : method_(method) {
    if (c_dim < 1) fail(ErrorKind::config, "conditional normalisation needs a code: c_dim of at least 1");
    std::vector<std::int64_t> shape{channels, c_dim};
    if (!legacy) shape.push_back(1);
    const auto add = [&](const char* name, double first_bias, Tensor& weight, Tensor& bias) {
        const auto layer = std::make_shared<torch::nn::Module>();
        weight = layer->register_parameter("weight", torch::zeros(shape));
        bias = layer->register_parameter("bias", torch::full({channels}, first_bias));
        register_module(std::string(legacy ? "fc_" : "conv_") + name, layer);
    };
    add("gamma", 1, gamma_weight_, gamma_bias_);
    add("beta", 0, beta_weight_, beta_bias_);
    if (method == NormMethod::batch_norm)
        bn_ = register_module("bn", torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(channels).affine(false)));
}

ChannelAffine ConditionalNormImpl::modulation(const Tensor& c) const {
    const auto linear = [&](const Tensor& weight, const Tensor& bias) {
        return torch::linear(c, weight.view({weight.size(0), weight.size(1)}), bias);
    };
    return {linear(gamma_weight_, gamma_bias_), linear(beta_weight_, beta_bias_)};
}

ChannelAffine ConditionalNormImpl::affine(const Tensor& c) const {
    NIR_CHECK(method_ == NormMethod::batch_norm);
    const ChannelAffine m = modulation(c), n = eval_affine(*bn_);
    return {m.scale * n.scale, m.scale * n.shift + m.shift};
}

Tensor ConditionalNormImpl::forward(const Tensor& x, const Tensor& c) {
    if (method_ == NormMethod::batch_norm) {
        if (!is_training()) return affine(c).apply(x);
        return modulation(c).apply(batch_norm_points(*bn_, x));
    }
    constexpr double kEps = 1e-5;
    const Tensor centred = x - x.mean(1, true);
    return modulation(c).apply(centred * torch::rsqrt(centred.square().mean(1, true) + kEps));
}

Tensor ConditionalNormImpl::forward_relu(const Tensor& x, const Tensor& c) {
    if (method_ != NormMethod::batch_norm || !is_training() || x.numel() == 0) return forward(x, c).relu_();
    const ChannelAffine m = modulation(c);
    ChannelStatistics batch;
    Tensor y = conditional_norm_relu(x, m.scale, m.shift, eps(), batch);
    track(batch, x.size(0) * x.size(1));
    return y;
}

void ConditionalNormImpl::track(const ChannelStatistics& batch, std::int64_t n) {
    const torch::NoGradGuard no_grad;
    const double momentum = bn_->options.momentum().value(), rows = static_cast<double>(n);
    const auto type = bn_->running_mean.scalar_type();
    bn_->num_batches_tracked.add_(1);
    bn_->running_mean.mul_(1 - momentum).add_(batch.mean.to(type), momentum);
    bn_->running_var.mul_(1 - momentum).add_((batch.variance * (rows / std::max(rows - 1, 1.0))).to(type), momentum);
}

}  // namespace nir::nn
