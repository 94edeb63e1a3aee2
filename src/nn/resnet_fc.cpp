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

}  // namespace nir::nn
