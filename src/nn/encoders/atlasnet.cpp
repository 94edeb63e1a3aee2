// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/atlasnet.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

namespace nir::nn {

using torch::Tensor;
using torch::nn::BatchNorm1d;

void AtlasnetResnetConfig::describe(ConfigVisitor& v) {
    v.field("width", width, {.min = 1, .max = 1024}, "channels of the first stage (AtlasNet has 64)");
}

AtlasnetPointnetImpl::AtlasnetPointnetImpl(const AtlasnetPointnetConfig&, const GlobalDims& dims) {
    const std::array<std::int64_t, 6> width{3, 64, 128, dims.c_dim, dims.c_dim, dims.c_dim};
    for (std::size_t i = 0; i < convs_.size(); ++i)
        convs_[i] = register_module(fmt::format("conv{}", i + 1), torch::nn::Conv1d(width[i], width[i + 1], 1));
    for (std::size_t i = 0; i < lins_.size(); ++i)
        lins_[i] = register_module(fmt::format("lin{}", i + 1), torch::nn::Linear(dims.c_dim, dims.c_dim));
    for (std::size_t i = 0; i < norms_.size(); ++i) {
        norms_[i] = register_module(fmt::format("bn{}", i + 1), BatchNorm1d(width[i + 1]));
        torch::nn::init::normal_(norms_[i]->weight, 1.0, 0.02);
    }
}

Tensor AtlasnetPointnetImpl::pooled(const Tensor& points) {
    if (points.size(1) == 0) return torch::zeros({points.size(0), lins_[0]->options.in_features()}, points.options());
    Tensor net = points.transpose(1, 2);
    for (std::size_t i = 0; i < convs_.size(); ++i) {
        net = norms_[i](convs_[i](net));
        if (i + 1 < convs_.size()) net = torch::relu(net);
    }
    return std::get<0>(net.max(2));
}

Tensor AtlasnetPointnetImpl::forward(const Tensor& points) {
    Tensor net = pooled(points);
    for (std::size_t i = 0; i < lins_.size(); ++i) net = torch::relu(norms_[3 + i](lins_[i](net)));
    return net;
}

AtlasnetResnet18Impl::AtlasnetResnet18Impl(const AtlasnetResnetConfig& config, const GlobalDims& dims)
    : resnet_(std::make_shared<ResnetImpl>(
          ResnetDepth::r18, ResnetConfig{.normalize = false, .use_linear = true, .width = config.width}, dims)) {
    const auto parts = resnet_->named_children();
    for (const auto& part : parts["features"]->named_children()) register_module(part.key(), part.value());
    register_module("fc", parts["fc"]);
}

}  // namespace nir::nn
