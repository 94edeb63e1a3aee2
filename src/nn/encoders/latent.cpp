// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/latent.h"

#include "nir/base/config.h"
#include "nir/nn/resnet_fc.h"

namespace nir::nn {

using torch::Tensor;
using torch::nn::Linear;

namespace {

constexpr std::int64_t kWidth = 128;

}  // namespace

void LatentEncoderConfig::describe(ConfigVisitor& v) {
    v.field("leaky", leaky, "leaky ReLU (0.2) and means over points instead of ReLU and maxima");
}

Tensor LatentDistribution::sample() const { return mean + logstd.exp() * torch::randn_like(mean); }

Tensor LatentDistribution::kl() const { return (0.5 * ((2 * logstd).exp() + mean.square() - 1) - logstd).sum(1); }

LatentEncoderImpl::LatentEncoderImpl(const LatentEncoderConfig& config, std::int64_t z_dim, std::int64_t c_dim)
    : config_(config) {
    fc_pos_ = register_module("fc_pos", Linear(3, kWidth));
    if (c_dim != 0) fc_c_ = register_module("fc_c", Linear(c_dim, kWidth));
    fc_0_ = register_module("fc_0", Linear(1, kWidth));
    fc_1_ = register_module("fc_1", Linear(kWidth, kWidth));
    fc_2_ = register_module("fc_2", Linear(2 * kWidth, kWidth));
    fc_3_ = register_module("fc_3", Linear(2 * kWidth, kWidth));
    fc_mean_ = register_module("fc_mean", Linear(kWidth, z_dim));
    fc_logstd_ = register_module("fc_logstd", Linear(kWidth, z_dim));
}

Tensor LatentEncoderImpl::activate(const Tensor& x) const {
    return config_.leaky ? torch::leaky_relu(x, 0.2) : torch::relu(x);
}

Tensor LatentEncoderImpl::pool(const Tensor& x) const { return config_.leaky ? x.mean(1) : max_over_points(x); }

LatentDistribution LatentEncoderImpl::forward(const Tensor& points, const Tensor& occupancies, const Tensor& c) {
    Tensor net = fc_0_(occupancies.unsqueeze(2)) + fc_pos_(points);
    if (!fc_c_.is_empty()) net = net + fc_c_(c).unsqueeze(1);
    net = fc_1_(activate(net));
    net = linear_pooled(*fc_2_, activate(net), activate(pool(net)));
    net = linear_pooled(*fc_3_, activate(net), activate(pool(net)));
    net = pool(net);
    return {fc_mean_(net), fc_logstd_(net)};
}

}  // namespace nir::nn
