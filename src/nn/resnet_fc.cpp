// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/resnet_fc.h"

namespace nir::nn {

ResnetBlockFCImpl::ResnetBlockFCImpl(std::int64_t size_in, std::int64_t size_out, std::int64_t size_hidden) {
    fc_0_ = register_module("fc_0", torch::nn::Linear(size_in, size_hidden));
    fc_1_ = register_module("fc_1", torch::nn::Linear(size_hidden, size_out));
    if (size_in != size_out)
        shortcut_ =
            register_module("shortcut", torch::nn::Linear(torch::nn::LinearOptions(size_in, size_out).bias(false)));
    torch::nn::init::zeros_(fc_1_->weight);
}

torch::Tensor ResnetBlockFCImpl::forward(const torch::Tensor& x) {
    const torch::Tensor dx = fc_1_(torch::relu(fc_0_(torch::relu(x))));
    return (shortcut_.is_empty() ? x : shortcut_(x)) + dx;
}

torch::Tensor linear_pooled(const torch::nn::LinearImpl& linear, const torch::Tensor& x, const torch::Tensor& pooled) {
    const std::int64_t own = x.size(2);
    const torch::Tensor rest = torch::linear(pooled, linear.weight.slice(1, own), linear.bias);
    return torch::linear(x, linear.weight.slice(1, 0, own)) + rest.unsqueeze(1);
}

torch::Tensor max_over_points(const torch::Tensor& x) {
    if (x.size(1) == 0) return torch::zeros({x.size(0), x.size(2)}, x.options());
    return std::get<0>(x.max(1));
}

}  // namespace nir::nn
