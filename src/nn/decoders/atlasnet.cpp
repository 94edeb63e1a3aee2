// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/decoders/atlasnet.h"

#include "nir/base/error.h"

namespace nir::nn {

using torch::Tensor;
using torch::nn::BatchNorm1d;
using torch::nn::Conv1d;

namespace {

/// The papers' code starts scales near 1 instead of at 1.
BatchNorm1d norm(std::int64_t channels) {
    BatchNorm1d n(channels);
    torch::nn::init::normal_(n->weight, 1.0, 0.02);
    return n;
}

}  // namespace

PatchMappingImpl::PatchMappingImpl(const PatchOptions& o) : activation_(o.activation) {
    if (o.template_dim < 1 || o.c_dim < 1 || o.hidden < 1 || o.n_layers < 0)
        fail(ErrorKind::config, "atlasnet: sizes must be at least 1");
    conv1_ = register_module("conv1", Conv1d(o.template_dim, o.c_dim, 1));
    conv2_ = register_module("conv2", Conv1d(o.c_dim, o.hidden, 1));
    for (std::int64_t i = 0; i < o.n_layers; ++i) conv_list_->push_back(Conv1d(o.hidden, o.hidden, 1));
    register_module("conv_list", conv_list_);
    last_conv_ = register_module("last_conv", Conv1d(o.hidden, 3, 1));
    bn1_ = register_module("bn1", norm(o.c_dim));
    bn2_ = register_module("bn2", norm(o.hidden));
    for (std::int64_t i = 0; i < o.n_layers; ++i) bn_list_->push_back(norm(o.hidden));
    register_module("bn_list", bn_list_);
}

Tensor PatchMappingImpl::activate(const Tensor& x) const {
    switch (activation_) {
        case PatchActivation::relu:
            return torch::relu(x);
        case PatchActivation::sigmoid:
            return torch::sigmoid(x);
        case PatchActivation::softplus:
            return torch::softplus(x);
        case PatchActivation::logsigmoid:
            return torch::log_sigmoid(x);
        case PatchActivation::softsign:
            return x / (x.abs() + 1);
        case PatchActivation::tanh:
            return torch::tanh(x);
    }
    fail(ErrorKind::internal, "unknown activation");
}

Tensor PatchMappingImpl::forward(const Tensor& code, const Tensor& points) {
    Tensor x = conv1_(points) + code.unsqueeze(2);
    x = activate(bn1_(x));
    x = activate(bn2_(conv2_(x)));
    for (std::size_t i = 0; i < conv_list_->size(); ++i)
        x = activate(
            bn_list_->at<torch::nn::BatchNorm1dImpl>(i).forward(conv_list_->at<torch::nn::Conv1dImpl>(i).forward(x)));
    return last_conv_(x);
}

AtlasnetDecoderImpl::AtlasnetDecoderImpl(const PatchOptions& options, std::int64_t n_patches) {
    if (n_patches < 1) fail(ErrorKind::config, "atlasnet: needs at least one patch");
    for (std::int64_t i = 0; i < n_patches; ++i) patches_->push_back(PatchMapping(options));
    register_module("decoder", patches_);
}

Tensor AtlasnetDecoderImpl::forward(const Tensor& code, const std::vector<Tensor>& points) {
    NIR_CHECK(points.size() == patches_->size());
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < points.size(); ++i)
        out.push_back(patches_->at<PatchMappingImpl>(i).forward(code, points[i]));
    return torch::stack(out, 1);
}

}  // namespace nir::nn
