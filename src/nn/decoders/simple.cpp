// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Decoders without conditional normalisation.
#include "nir/base/config.h"
#include "nir/nn/decoders/conditional.h"

#include "nn/decoders/folded_resnet.h"

#include <fmt/format.h>

namespace nir::nn {

using torch::Tensor;
using torch::nn::BatchNorm1d;
using torch::nn::Linear;

namespace {

/// What the codes add to the features of every point, [B,H]; undefined if there are none.
Tensor constant_of(Linear& fc_z, const Tensor& z, Linear& fc_c, const Tensor& c) {
    Tensor sum;
    if (!fc_z.is_empty()) sum = fc_z(z);
    if (!fc_c.is_empty()) sum = sum.defined() ? sum + fc_c(c) : fc_c(c);
    return sum;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------- simple

void SimpleDecoderConfig::describe(ConfigVisitor& v) {
    v.field("hidden_size", hidden_size, {.min = 1, .max = 16384}, "channels of the blocks");
    v.field("leaky", leaky, "leaky ReLU (0.2) instead of ReLU before the output");
}

SimpleDecoderImpl::SimpleDecoderImpl(const SimpleDecoderConfig& config, const GlobalDims& dims) : config_(config) {
    const std::int64_t h = config.hidden_size;
    fc_p_ = register_module("fc_p", Linear(3, h));
    if (dims.z_dim != 0) fc_z_ = register_module("fc_z", Linear(dims.z_dim, h));
    if (dims.c_dim != 0) fc_c_ = register_module("fc_c", Linear(dims.c_dim, h));
    for (int i = 0; i < 5; ++i) blocks_.push_back(register_module(fmt::format("block{}", i), ResnetBlockFC(h, h)));
    fc_out_ = register_module("fc_out", Linear(h, 1));
}

Tensor SimpleDecoderImpl::decode(const Tensor& points, const Tensor& z, const Tensor& c) {
    Tensor net = fc_p_(points);
    if (const Tensor sum = constant_of(fc_z_, z, fc_c_, c); sum.defined()) net = net + sum.unsqueeze(1);
    for (auto& block : blocks_) net = block(net);
    return fc_out_(activate(net, config_.leaky)).squeeze(2);
}

GlobalDecoder::ShapeFunction SimpleDecoderImpl::fold(const Tensor& z, const Tensor& c) {
    const torch::NoGradGuard no_grad;
    FoldedResnet folded;
    folded.first(fc_p_->weight, fc_p_->bias, constant_of(fc_z_, z, fc_c_, c));
    for (const auto& block : blocks_) {
        const auto& b = *block;
        folded.block({}, b.fc_0().weight, b.fc_0().bias, {}, b.fc_1().weight, b.fc_1().bias);
    }
    folded.last({}, config_.leaky, fc_out_->weight, fc_out_->bias);
    return folded;
}

// ------------------------------------------------------------------------------------------------------- batchnorm

BatchNormBlockImpl::BatchNormBlockImpl(std::int64_t channels) {
    bn_0 = register_module("bn_0", BatchNorm1d(channels));
    bn_1 = register_module("bn_1", BatchNorm1d(channels));
    fc_0 = register_module("fc_0", PointConv(channels, channels));
    fc_1 = register_module("fc_1", PointConv(channels, channels));
    torch::nn::init::zeros_(fc_1->weight);
}

Tensor BatchNormBlockImpl::forward(const Tensor& x) {
    const Tensor net = fc_0(batch_norm_points(*bn_0, x).relu());
    return x + fc_1(batch_norm_points(*bn_1, net).relu());
}

BatchNormDecoderImpl::BatchNormDecoderImpl(const PlainDecoderConfig& config, const GlobalDims& dims) : config_(config) {
    const std::int64_t h = config.hidden_size;
    if (dims.z_dim != 0) fc_z_ = register_module("fc_z", Linear(dims.z_dim, h));
    if (dims.c_dim != 0) fc_c_ = register_module("fc_c", Linear(dims.c_dim, h));
    fc_p_ = register_module("fc_p", PointConv(3, h));
    for (int i = 0; i < 5; ++i) blocks_.push_back(register_module(fmt::format("block{}", i), BatchNormBlock(h)));
    bn_ = register_module("bn", BatchNorm1d(h));
    fc_out_ = register_module("fc_out", PointConv(h, 1));
}

Tensor BatchNormDecoderImpl::decode(const Tensor& points, const Tensor& z, const Tensor& c) {
    Tensor net = fc_p_(points);
    if (const Tensor sum = constant_of(fc_z_, z, fc_c_, c); sum.defined()) net = net + sum.unsqueeze(1);
    for (auto& block : blocks_) net = block(net);
    return fc_out_(activate(batch_norm_points(*bn_, net), config_.leaky)).squeeze(2);
}

GlobalDecoder::ShapeFunction BatchNormDecoderImpl::fold(const Tensor& z, const Tensor& c) {
    const torch::NoGradGuard no_grad;
    FoldedResnet folded;
    folded.first(fc_p_->matrix(), fc_p_->bias, constant_of(fc_z_, z, fc_c_, c));
    for (const auto& b : blocks_)
        folded.block(eval_affine(*b->bn_0), b->fc_0->matrix(), b->fc_0->bias, eval_affine(*b->bn_1), b->fc_1->matrix(),
                     b->fc_1->bias);
    folded.last(eval_affine(*bn_), config_.leaky, fc_out_->matrix(), fc_out_->bias);
    return folded;
}

}  // namespace nir::nn
