// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/pointnet_global.h"

#include "nir/base/config.h"
#include "nir/nn/ops/pointnet_resnet.h"

#include <fmt/format.h>

namespace nir::nn {

using torch::Tensor;

void PointnetConfig::describe(ConfigVisitor& v) {
    v.field("hidden_dim", hidden_dim, {.min = 1, .max = 16384}, "channels of the point network");
}

PointnetResnetImpl::PointnetResnetImpl(const PointnetConfig& config, const GlobalDims& dims) {
    const std::int64_t h = config.hidden_dim;
    fc_pos_ = register_module("fc_pos", torch::nn::Linear(3, 2 * h));
    for (int i = 0; i < 5; ++i) blocks_.push_back(register_module(fmt::format("block_{}", i), ResnetBlockFC(2 * h, h)));
    fc_c_ = register_module("fc_c", torch::nn::Linear(h, dims.c_dim));
}

Tensor PointnetResnetImpl::forward(const Tensor& points) {
    PointnetWeights weights{fc_pos_->weight, fc_pos_->bias, {}};
    for (const auto& b : blocks_)
        weights.blocks.push_back(
            {b->fc_0().weight, b->fc_0().bias, b->fc_1().weight, b->fc_1().bias, b->shortcut().weight});
    return fc_c_(torch::relu(pointnet_resnet(points, weights)));
}

PointnetSimpleImpl::PointnetSimpleImpl(const PointnetConfig& config, const GlobalDims& dims) {
    const std::int64_t h = config.hidden_dim;
    fc_pos_ = register_module("fc_pos", torch::nn::Linear(3, 2 * h));
    for (int i = 0; i < 4; ++i) fc_.push_back(register_module(fmt::format("fc_{}", i), torch::nn::Linear(2 * h, h)));
    fc_c_ = register_module("fc_c", torch::nn::Linear(h, dims.c_dim));
}

Tensor PointnetSimpleImpl::forward(const Tensor& points) {
    Tensor net = fc_[0](torch::relu(fc_pos_(points)));
    for (std::size_t i = 1; i < fc_.size(); ++i)
        net = linear_pooled(*fc_[i], torch::relu(net), torch::relu(max_over_points(net)));
    return fc_c_(torch::relu(max_over_points(net)));
}

}  // namespace nir::nn
