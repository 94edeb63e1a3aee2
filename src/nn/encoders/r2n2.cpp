// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/r2n2.h"

#include "nir/base/config.h"
#include "nir/base/error.h"
#include "nir/nn/encoders/resnet.h"

#include <array>

namespace nir::nn {

using torch::Tensor;
using torch::nn::Conv2d;
using torch::nn::LeakyReLU;
using torch::nn::MaxPool2d;

void R2n2EncoderConfig::describe(ConfigVisitor& v) {
    v.field("width", width, {.min = 4, .max = 1024}, "channels of the first layer (published: 96)");
}

namespace {

Conv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel) {
    return Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2));
}

MaxPool2d pool() { return MaxPool2d(torch::nn::MaxPool2dOptions(2).padding(1)); }

/// Channels after each stage, in the published proportions.
std::array<std::int64_t, 6> channels(std::int64_t width) {
    const std::int64_t middle = width * 128 / 96, wide = width * 256 / 96;
    return {width, middle, wide, wide, wide, wide};
}

/// conv, act, conv, act, plus a 1x1 convolution of the input; no activation after the sum.
class R2n2BlockImpl : public torch::nn::Module {
public:
    R2n2BlockImpl(std::int64_t in, std::int64_t out) {
        convnet_ = register_module(
            "convnet", torch::nn::Sequential(conv(in, out, 3), LeakyReLU(), conv(out, out, 3), LeakyReLU()));
        shortcut_ = register_module("shortcut", conv(in, out, 1));
    }
    Tensor forward(const Tensor& x) { return convnet_->forward(x) + shortcut_(x); }

private:
    torch::nn::Sequential convnet_{nullptr};
    Conv2d shortcut_{nullptr};
};
TORCH_MODULE(R2n2Block);

Tensor run(torch::nn::Sequential& convnet, torch::nn::Linear& fc_out, const Tensor& image) {
    for (const std::int64_t side : {image.size(2), image.size(3)})
        if (side < 66 || side > 129)  // what six poolings bring to 3
            fail(ErrorKind::input, "a picture of {} x {} pixels; this encoder takes 66 to 129 a side (published: 127)",
                 image.size(3), image.size(2));
    return fc_out(convnet->forward(normalize_imagenet(image)).flatten(1));
}

}  // namespace

R2n2SimpleImpl::R2n2SimpleImpl(const R2n2EncoderConfig& config, const GlobalDims& dims) {
    std::int64_t in = 3;
    for (const std::int64_t out : channels(config.width)) {
        convnet_->push_back(conv(in, out, in == 3 ? 7 : 3));
        convnet_->push_back(pool());
        convnet_->push_back(LeakyReLU());
        in = out;
    }
    register_module("convnet", convnet_);
    fc_out_ = register_module("fc_out", torch::nn::Linear(in * 9, dims.c_dim));
}

Tensor R2n2SimpleImpl::encode(const Tensor& image) { return run(convnet_, fc_out_, image); }

R2n2ResnetImpl::R2n2ResnetImpl(const R2n2EncoderConfig& config, const GlobalDims& dims) {
    const auto c = channels(config.width);
    convnet_->push_back(conv(3, c[0], 7));
    convnet_->push_back(LeakyReLU());
    convnet_->push_back(conv(c[0], c[0], 3));
    convnet_->push_back(LeakyReLU());
    convnet_->push_back(pool());
    for (std::size_t i = 1; i < c.size(); ++i) {
        convnet_->push_back(R2n2Block(c[i - 1], c[i]));
        convnet_->push_back(pool());
    }
    register_module("convnet", convnet_);
    fc_out_ = register_module("fc_out", torch::nn::Linear(c.back() * 9, dims.c_dim));
}

Tensor R2n2ResnetImpl::encode(const Tensor& image) { return run(convnet_, fc_out_, image); }

}  // namespace nir::nn
