// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/image_conv.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

#include <fmt/format.h>

namespace nir::nn {

using torch::Tensor;

SimpleConvImpl::SimpleConvImpl(const SimpleConvConfig&, const GlobalDims& dims) {
    std::int64_t in = 3;
    for (int i = 0; i < 5; ++i) {
        const std::int64_t out = 32 << i;
        convs_.push_back(register_module(fmt::format("conv{}", i),
                                         torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).stride(2))));
        in = out;
    }
    fc_out_ = register_module("fc_out", torch::nn::Linear(in, dims.c_dim));
}

Tensor SimpleConvImpl::forward(const Tensor& image) {
    if (image.size(2) < 63 || image.size(3) < 63)
        fail(ErrorKind::input, "a picture of {} x {} pixels is too small, simple_conv needs 63 a side", image.size(3),
             image.size(2));
    Tensor net = convs_[0](image);
    for (std::size_t i = 1; i < convs_.size(); ++i) net = convs_[i](net.relu_());
    return fc_out_(net.mean({2, 3}).relu_());
}

}  // namespace nir::nn
