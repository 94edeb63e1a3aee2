// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/psgn_cond.h"

#include "nir/base/error.h"

namespace nir::nn {

using torch::Tensor;

namespace {

torch::nn::Conv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2));
}

}  // namespace

PsgnCondImpl::PsgnCondImpl(std::int64_t c_dim) {
    if (c_dim < 32 || c_dim % 32 != 0)
        fail(ErrorKind::config, "encoder psgn_cond: c_dim must be a multiple of 32, not {}", c_dim);
    const std::int64_t f = c_dim / 32;
    // Channels after each group, and how many convolutions it has; all but the first group halve the picture.
    const std::array<std::int64_t, 7> width{f, 2 * f, 4 * f, 8 * f, 16 * f, 32 * f, 32 * f}, count{2, 3, 3, 3, 3, 4, 1};
    std::int64_t in = 3;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        torch::nn::Sequential block;
        for (std::int64_t k = 0; k < count[b]; ++k) {
            block->push_back(conv(k == 0 ? in : width[b], width[b], b == 6 ? 5 : 3, b > 0 && k == 0 ? 2 : 1));
            block->push_back(torch::nn::ReLU());
        }
        blocks_[b] = register_module(fmt::format("conv_block{}", b + 1), block);
        in = width[b];
    }
    for (std::size_t s = 0; s < sides_.size(); ++s)
        sides_[s] = register_module(fmt::format("trans_conv{}", s + 1), conv(width[s + 3], width[s + 3] / 2, 3, 1));
}

PsgnFeatures PsgnCondImpl::forward(const Tensor& images) {
    NIR_CHECK(images.dim() == 4 && images.size(1) == 3);
    if (images.size(2) != 192 || images.size(3) != 256)
        fail(ErrorKind::input, "encoder psgn_cond takes pictures of 256 x 192 pixels, not {} x {}", images.size(3),
             images.size(2));
    PsgnFeatures out;
    Tensor x = images;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        x = blocks_[b]->forward(x);
        if (b >= 3 && b < 6) out.maps[b - 3] = sides_[b - 3](x);
    }
    out.code = x;
    return out;
}

}  // namespace nir::nn
