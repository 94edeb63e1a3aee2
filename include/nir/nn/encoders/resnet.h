// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/global_encoder.h"

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

enum class ResnetDepth : std::uint8_t { r18, r34, r50 };

struct ResnetConfig {
    bool normalize = true;
    bool use_linear = true;
    std::int64_t width = 64;

    void describe(ConfigVisitor& v);
};

/// What happens on the way, for tests.
struct ResnetTrace {
    std::array<torch::Tensor, 4> layers;  ///< [B,C,h,w] after each of the four stages
    torch::Tensor features;               ///< [B,F] after the average pool
};

/// Residual network on pictures, its last layer replaced by one to the code: 7x7 convolution, four stages of 3x3 (or
/// bottleneck) blocks with batch normalisation, mean over positions. First weights: convolutions normal with variance
/// 2 / (k^2 C_out), norms 1 and 0 (the papers' code starts from ImageNet weights, which are not shipped).
/// State: features.conv1, features.bn1, features.layer{1..4}.i.{conv,bn}{1..3}, features.layer….downsample.{0,1}, fc.
/// Ref: he2016; onet2019, Resnet18/34/50 of the papers' code (its Resnet101 is a ResNet-50).
class ResnetImpl : public GlobalEncoder {
public:
    /// @throws nir::Error (config) if there is no last layer and c_dim is not the width of the features.
    ResnetImpl(ResnetDepth depth, const ResnetConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::image; }
    torch::Tensor encode(const torch::Tensor& image) override { return forward(image); }
    /// @param image [B,3,H,W], RGB in 0..1, any size; the papers use 224 x 224.
    torch::Tensor forward(const torch::Tensor& image, ResnetTrace* trace = nullptr);

private:
    struct TrunkImpl;
    ResnetConfig config_;
    std::shared_ptr<TrunkImpl> trunk_;
    torch::nn::Linear fc_{nullptr};
};
TORCH_MODULE(Resnet);

/// (x - mean) / standard deviation of ImageNet, per channel. @param image [B,3,H,W], RGB in 0..1.
torch::Tensor normalize_imagenet(const torch::Tensor& image);

}  // namespace nir::nn
