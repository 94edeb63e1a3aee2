// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/resnet.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

#include <fmt/format.h>

#include <array>

namespace nir::nn {

using torch::Tensor;
using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;

void ResnetConfig::describe(ConfigVisitor& v) {
    v.field("normalize", normalize, "subtract the ImageNet mean and divide by its deviation");
    v.field("use_linear", use_linear, "a last linear layer; without it c_dim must be the width of the features");
    v.field("width", width, {.min = 1, .max = 1024}, "channels of the first stage (the published networks have 64)");
}

Tensor normalize_imagenet(const Tensor& image) {
    const Tensor mean = torch::tensor({0.485, 0.456, 0.406}, image.options()).view({1, 3, 1, 1});
    const Tensor deviation = torch::tensor({0.229, 0.224, 0.225}, image.options()).view({1, 3, 1, 1});
    return (image - mean) / deviation;
}

namespace {

Conv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
    Conv2d c(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
    torch::nn::init::kaiming_normal_(c->weight, 0, torch::kFanOut, torch::kReLU);
    return c;
}

/// Two 3x3 convolutions, or 1x1, 3x3, 1x1 with four times the channels at the end; the 3x3 that comes first carries
/// the stride.
class ResnetBlockImpl : public torch::nn::Module {
public:
    ResnetBlockImpl(std::int64_t in, std::int64_t width, std::int64_t stride, bool bottleneck) {
        const std::int64_t out = bottleneck ? 4 * width : width;
        if (bottleneck) {
            add(in, width, 1, 1), add(width, width, 3, stride), add(width, out, 1, 1);
        } else {
            add(in, width, 3, stride), add(width, out, 3, 1);
        }
        if (stride != 1 || in != out)
            downsample_ =
                register_module("downsample", torch::nn::Sequential(conv(in, out, 1, stride), BatchNorm2d(out)));
    }
    Tensor forward(const Tensor& x) {
        Tensor net = x;
        for (std::size_t i = 0; i < convs_.size(); ++i) {
            if (i > 0) net = net.relu_();
            net = norms_[i](convs_[i](net));
        }
        return net.add_(downsample_.is_empty() ? x : downsample_->forward(x)).relu_();
    }

private:
    void add(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
        const std::size_t n = convs_.size() + 1;
        convs_.push_back(register_module(fmt::format("conv{}", n), conv(in, out, kernel, stride)));
        norms_.push_back(register_module(fmt::format("bn{}", n), BatchNorm2d(out)));
    }

    std::vector<Conv2d> convs_;
    std::vector<BatchNorm2d> norms_;
    torch::nn::Sequential downsample_{nullptr};
};
TORCH_MODULE(ResnetBlock);

}  // namespace

struct ResnetImpl::TrunkImpl : torch::nn::Module {
    TrunkImpl(ResnetDepth depth, std::int64_t width) {
        const bool bottleneck = depth == ResnetDepth::r50;
        const std::array<int, 4> counts = depth == ResnetDepth::r18 ? std::array{2, 2, 2, 2} : std::array{3, 4, 6, 3};
        conv1 = register_module("conv1", conv(3, width, 7, 2));
        bn1 = register_module("bn1", BatchNorm2d(width));
        n_features = width;
        for (std::size_t l = 0; l < 4; ++l) {
            const std::int64_t w = width << l;
            for (int i = 0; i < counts[l]; ++i) {
                layers[l]->push_back(ResnetBlock(n_features, w, l > 0 && i == 0 ? 2 : 1, bottleneck));
                n_features = bottleneck ? 4 * w : w;
            }
            register_module(fmt::format("layer{}", l + 1), layers[l]);
        }
    }
    Tensor forward(const Tensor& x, ResnetTrace* trace) {
        Tensor net = bn1(conv1(x)).relu_();
        net = torch::max_pool2d(net, 3, 2, 1);
        for (std::size_t l = 0; l < 4; ++l) {
            net = layers[l]->forward(net);
            if (trace) trace->layers[l] = net;
        }
        return net.mean({2, 3});
    }

    Conv2d conv1{nullptr};
    BatchNorm2d bn1{nullptr};
    std::array<torch::nn::Sequential, 4> layers;
    std::int64_t n_features = 0;
};

ResnetImpl::ResnetImpl(ResnetDepth depth, const ResnetConfig& config, const GlobalDims& dims) : config_(config) {
    trunk_ = register_module("features", std::make_shared<TrunkImpl>(depth, config.width));
    if (config.use_linear) {
        fc_ = register_module("fc", torch::nn::Linear(trunk_->n_features, dims.c_dim));
    } else if (dims.c_dim != trunk_->n_features) {
        fail(ErrorKind::config, "use_linear = false makes a code of {} values, c_dim is {}", trunk_->n_features,
             dims.c_dim);
    }
}

Tensor ResnetImpl::forward(const Tensor& image, ResnetTrace* trace) {
    const Tensor features = trunk_->forward(config_.normalize ? normalize_imagenet(image) : image, trace);
    if (trace) trace->features = features;
    return fc_.is_empty() ? features : fc_(features);
}

}  // namespace nir::nn
