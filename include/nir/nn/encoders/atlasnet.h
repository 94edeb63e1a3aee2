// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/global_encoder.h"
#include "nir/nn/encoders/resnet.h"

#include <array>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

/// No options: the sizes are those of AtlasNet's code.
struct AtlasnetPointnetConfig {
    void describe(ConfigVisitor&) {}
};

struct AtlasnetResnetConfig {
    std::int64_t width = 64;

    void describe(ConfigVisitor& v);
};

/// PointNet with batch normalisation: three layers per point, the maximum over the points, two layers on the code.
/// There is no ReLU before the maximum and one after the last layer. State: conv1..3, bn1..5, lin1, lin2. Ref:
/// groueix2018 §4; charles2017; PointNet of AtlasNet's code.
class AtlasnetPointnetImpl : public GlobalEncoder {
public:
    AtlasnetPointnetImpl(const AtlasnetPointnetConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::points; }
    torch::Tensor encode(const torch::Tensor& points) override { return forward(points); }
    torch::Tensor forward(const torch::Tensor& points);

private:
    /// [B,c], the largest features over the points; zeros without points.
    torch::Tensor pooled(const torch::Tensor& points);

    std::array<torch::nn::Conv1d, 3> convs_{nullptr, nullptr, nullptr};
    std::array<torch::nn::Linear, 2> lins_{nullptr, nullptr};
    std::array<torch::nn::BatchNorm1d, 5> norms_{nullptr, nullptr, nullptr, nullptr, nullptr};
};
TORCH_MODULE(AtlasnetPointnet);

/// ResNet-18 on pictures as they are (no ImageNet mean), without the level "features" in its names.
/// State: conv1, bn1, layer1..4, fc. Ref: groueix2018 §4.
class AtlasnetResnet18Impl : public GlobalEncoder {
public:
    AtlasnetResnet18Impl(const AtlasnetResnetConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::image; }
    torch::Tensor encode(const torch::Tensor& image) override { return resnet_->encode(image); }

private:
    std::shared_ptr<ResnetImpl> resnet_;  // its parts are registered here, itself is not
};
TORCH_MODULE(AtlasnetResnet18);

}  // namespace nir::nn
