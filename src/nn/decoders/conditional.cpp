// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Decoders with conditional batch normalisation; the others are in simple.cpp.
#include "nir/nn/decoders/conditional.h"

#include "nir/base/config.h"
#include "nir/base/error.h"
#include "nir/nn/ops/conditional_resnet.h"
#include "nir/nn/seeded.h"

#include "nn/decoders/folded_resnet.h"

namespace nir::nn {

using torch::Tensor;
using torch::nn::Linear;

void CBatchNormConfig::describe(ConfigVisitor& v) {
    v.field("hidden_size", hidden_size, {.min = 1, .max = 16384}, "channels of the blocks");
    v.field("leaky", leaky, "leaky ReLU (0.2) instead of ReLU before the output");
    v.field("legacy", legacy, "names of the first released checkpoints: fc_gamma and fc_beta");
    v.choice("norm_method", norm_method, {"batch_norm", "instance_norm", "group_norm"}, "what the code modulates");
    v.check(norm_method != "group_norm", "norm_method",
            "group_norm is named but not there in the papers' code; use \"batch_norm\" or \"instance_norm\"");
}

void CBatchNorm2Config::describe(ConfigVisitor& v) {
    v.field("hidden_size", hidden_size, {.min = 1, .max = 16384}, "channels of the blocks");
    v.field("n_blocks", n_blocks, {.min = 1, .max = 64}, "residual blocks");
}

void PlainDecoderConfig::describe(ConfigVisitor& v) {
    v.field("hidden_size", hidden_size, {.min = 1, .max = 16384}, "channels of the layers");
    v.field("leaky", leaky, "leaky ReLU (0.2) instead of ReLU");
}

ConditionalBlockImpl::ConditionalBlockImpl(std::int64_t c_dim, std::int64_t channels, NormMethod method, bool legacy) {
    bn_0 = register_module("bn_0", ConditionalNorm(c_dim, channels, method, legacy));
    bn_1 = register_module("bn_1", ConditionalNorm(c_dim, channels, method, legacy));
    fc_0 = register_module("fc_0", PointConv(channels, channels));
    fc_1 = register_module("fc_1", PointConv(channels, channels));
    torch::nn::init::zeros_(fc_1->weight);
}

Tensor ConditionalBlockImpl::forward(const Tensor& x, const Tensor& c) {
    const Tensor net = fc_0(bn_0->forward_relu(x, c));
    return x + fc_1(bn_1->forward_relu(net, c));
}

namespace {

/// The decoder behind its first layer, in training mode: one operation (ops/conditional_resnet.h).
/// @param x [B,T,F] without the bias of the first layer
Tensor train_stack(const Tensor& x, const Tensor& first_bias, const std::vector<ConditionalBlockImpl*>& blocks,
                   ConditionalNormImpl& bn, const PointConv& fc_out, const Tensor& c) {
    ConditionalResnet network;
    std::vector<ConditionalNormImpl*> norms;
    network.biases.push_back(first_bias);
    for (ConditionalBlockImpl* block : blocks) {
        for (ConditionalNormImpl* norm : {block->bn_0.get(), block->bn_1.get()}) norms.push_back(norm);
        for (const PointConv& fc : {block->fc_0, block->fc_1}) {
            network.weights.push_back(fc->matrix());
            network.biases.push_back(fc->bias);
        }
    }
    norms.push_back(&bn);
    for (const ConditionalNormImpl* norm : norms) {
        const ChannelAffine m = norm->modulation(c);
        network.gamma.push_back(m.scale), network.beta.push_back(m.shift);
    }
    network.out_weight = fc_out->weight.view({-1}), network.out_bias = fc_out->bias;
    network.eps = bn.eps();
    std::vector<ChannelStatistics> statistics;
    const Tensor logits = conditional_resnet(x, network, statistics);
    for (std::size_t i = 0; i < norms.size(); ++i) norms[i]->track(statistics[i], x.size(0) * x.size(1));
    return logits;
}

void fold_block(FoldedResnet& folded, const ConditionalBlockImpl& block, const Tensor& c) {
    folded.block(block.bn_0->affine(c), block.fc_0->matrix(), block.fc_0->bias, block.bn_1->affine(c),
                 block.fc_1->matrix(), block.fc_1->bias);
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ cbatchnorm

CBatchNormDecoderImpl::CBatchNormDecoderImpl(const CBatchNormConfig& config, const GlobalDims& dims) : config_(config) {
    const NormMethod method =
        config.norm_method == "instance_norm" ? NormMethod::instance_norm : NormMethod::batch_norm;
    const std::int64_t h = config.hidden_size;
    if (dims.z_dim != 0) fc_z_ = register_module("fc_z", Linear(dims.z_dim, h));
    fc_p_ = register_module("fc_p", PointConv(3, h));
    for (int i = 0; i < 5; ++i)
        blocks_.push_back(
            register_module(fmt::format("block{}", i), ConditionalBlock(dims.c_dim, h, method, config.legacy)));
    bn_ = register_module("bn", ConditionalNorm(dims.c_dim, h, method, config.legacy));
    fc_out_ = register_module("fc_out", PointConv(h, 1));
}

Tensor CBatchNormDecoderImpl::decode(const Tensor& points, const Tensor& z, const Tensor& c) {
    const bool one_operation =
        is_training() && bn_->method() == NormMethod::batch_norm && !config_.leaky && points.numel() > 0;
    Tensor net = torch::linear(points, fc_p_->matrix(), one_operation ? Tensor() : fc_p_->bias);
    if (!fc_z_.is_empty()) net = net + fc_z_(z).unsqueeze(1);
    if (one_operation) {
        std::vector<ConditionalBlockImpl*> blocks;
        for (auto& block : blocks_) blocks.push_back(block.get());
        return train_stack(net, fc_p_->bias, blocks, *bn_, fc_out_, c);
    }
    for (auto& block : blocks_) net = block(net, c);
    return fc_out_(config_.leaky ? activate(bn_(net, c), true) : bn_->forward_relu(net, c)).squeeze(2);
}

GlobalDecoder::ShapeFunction CBatchNormDecoderImpl::fold(const Tensor& z, const Tensor& c) {
    if (bn_->method() == NormMethod::instance_norm) {
        const auto self = std::dynamic_pointer_cast<CBatchNormDecoderImpl>(shared_from_this());
        return [self, z, c](const Tensor& points) {
            const EvalScope eval(*self);
            return self->decode(points, z, c);
        };
    }
    const torch::NoGradGuard no_grad;
    FoldedResnet folded;
    folded.first(fc_p_->matrix(), fc_p_->bias, fc_z_.is_empty() ? Tensor() : fc_z_(z));
    for (const auto& block : blocks_) fold_block(folded, *block, c);
    folded.last(bn_->affine(c), config_.leaky, fc_out_->matrix(), fc_out_->bias);
    return folded;
}

// ----------------------------------------------------------------------------------------------------- cbatchnorm2

CBatchNorm2DecoderImpl::CBatchNorm2DecoderImpl(const CBatchNorm2Config& config, const GlobalDims& dims) {
    const std::int64_t h = config.hidden_size;
    if (dims.z_dim != 0) fc_z_ = register_module("fc_z", Linear(dims.z_dim, dims.c_dim));
    conv_p_ = register_module("conv_p", PointConv(3, h));
    for (std::int64_t i = 0; i < config.n_blocks; ++i)
        blocks_->push_back(ConditionalBlock(dims.c_dim, h, NormMethod::batch_norm, false));
    register_module("blocks", blocks_);
    bn_ = register_module("bn", ConditionalNorm(dims.c_dim, h, NormMethod::batch_norm, false));
    conv_out_ = register_module("conv_out", PointConv(h, 1));
}

Tensor CBatchNorm2DecoderImpl::condition(const Tensor& z, const Tensor& c) {
    return fc_z_.is_empty() ? c : c + fc_z_(z);
}

Tensor CBatchNorm2DecoderImpl::decode(const Tensor& points, const Tensor& z, const Tensor& c) {
    const Tensor both = condition(z, c);
    if (is_training() && points.numel() > 0) {
        std::vector<ConditionalBlockImpl*> blocks;
        for (const auto& block : *blocks_) blocks.push_back(block->as<ConditionalBlockImpl>());
        return train_stack(torch::linear(points, conv_p_->matrix()), conv_p_->bias, blocks, *bn_, conv_out_, both);
    }
    Tensor net = conv_p_(points);
    for (const auto& block : *blocks_) net = block->as<ConditionalBlockImpl>()->forward(net, both);
    return conv_out_(bn_->forward_relu(net, both)).squeeze(2);
}

GlobalDecoder::ShapeFunction CBatchNorm2DecoderImpl::fold(const Tensor& z, const Tensor& c) {
    const torch::NoGradGuard no_grad;
    const Tensor both = condition(z, c);
    FoldedResnet folded;
    folded.first(conv_p_->matrix(), conv_p_->bias, {});
    for (const auto& block : *blocks_) fold_block(folded, *block->as<ConditionalBlockImpl>(), both);
    folded.last(bn_->affine(both), false, conv_out_->matrix(), conv_out_->bias);
    return folded;
}

// --------------------------------------------------------------------------------------------- cbatchnorm_noresnet

CBatchNormPlainDecoderImpl::CBatchNormPlainDecoderImpl(const PlainDecoderConfig& config, const GlobalDims& dims)
    : config_(config) {
    const std::int64_t h = config.hidden_size;
    const auto norm = [&](int i) {
        bn_.push_back(
            register_module(fmt::format("bn_{}", i), ConditionalNorm(dims.c_dim, h, NormMethod::batch_norm, false)));
    };
    if (dims.z_dim != 0) fc_z_ = register_module("fc_z", Linear(dims.z_dim, h));
    fc_p_ = register_module("fc_p", PointConv(3, h));
    for (int i = 0; i < 5; ++i) {
        fc_.push_back(register_module(fmt::format("fc_{}", i), PointConv(h, h)));
        norm(i);
    }
    norm(5);
    fc_out_ = register_module("fc_out", PointConv(h, 1));
}

Tensor CBatchNormPlainDecoderImpl::decode(const Tensor& points, const Tensor& z, const Tensor& c) {
    Tensor net = fc_p_(points);
    if (!fc_z_.is_empty()) net = net + fc_z_(z).unsqueeze(1);
    for (std::size_t i = 0; i < fc_.size(); ++i) net = fc_[i](activate(bn_[i](net, c), config_.leaky));
    return fc_out_(activate(bn_.back()(net, c), config_.leaky)).squeeze(2);
}

GlobalDecoder::ShapeFunction CBatchNormPlainDecoderImpl::fold(const Tensor& z, const Tensor& c) {
    // Each normalisation is folded into the layer in front of it.
    const torch::NoGradGuard no_grad;
    std::vector<std::pair<Tensor, Tensor>> layers;  // [in,out], [out]
    const auto add = [&](const PointConv& layer, const Tensor& constant, ConditionalNorm& norm) {
        const ChannelAffine n = norm->affine(c);
        const Tensor bias = constant.defined() ? layer->bias + constant.squeeze(0) : layer->bias;
        layers.emplace_back(layer->matrix().t() * n.scale, bias * n.scale.squeeze(0) + n.shift.squeeze(0));
    };
    add(fc_p_, fc_z_.is_empty() ? Tensor() : fc_z_(z), bn_[0]);
    for (std::size_t i = 0; i < fc_.size(); ++i) add(fc_[i], {}, bn_[i + 1]);
    return [layers, leaky = config_.leaky, w = fc_out_->matrix().t().clone(),
            b = fc_out_->bias.clone()](const Tensor& points) {
        Tensor net = points.squeeze(0);
        for (const auto& [weight, bias] : layers) net = activate(torch::addmm(bias, net, weight), leaky);
        return torch::addmm(b, net, w).t();
    };
}

}  // namespace nir::nn
