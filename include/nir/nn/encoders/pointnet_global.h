// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/global_encoder.h"
#include "nir/nn/resnet_fc.h"

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct PointnetConfig {
    std::int64_t hidden_dim = 128;

    void describe(ConfigVisitor& v);
};

/// PointNet of residual blocks: between blocks each point receives the maximum over all points; the last maximum gives
/// the code. Permuting the points changes nothing; any number of them.
/// State: fc_pos, block_0 … block_4, fc_c. Ref: onet2019, ResnetPointnet of the papers' code; charles2017.
class PointnetResnetImpl : public GlobalEncoder {
public:
    PointnetResnetImpl(const PointnetConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::points; }
    torch::Tensor encode(const torch::Tensor& points) override { return forward(points); }
    torch::Tensor forward(const torch::Tensor& points);

private:
    torch::nn::Linear fc_pos_{nullptr}, fc_c_{nullptr};
    std::vector<ResnetBlockFC> blocks_;
};
TORCH_MODULE(PointnetResnet);

/// The same with single layers instead of blocks. State: fc_pos, fc_0 … fc_3, fc_c.
/// Ref: onet2019, SimplePointnet of the papers' code.
class PointnetSimpleImpl : public GlobalEncoder {
public:
    PointnetSimpleImpl(const PointnetConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::points; }
    torch::Tensor encode(const torch::Tensor& points) override { return forward(points); }
    torch::Tensor forward(const torch::Tensor& points);

private:
    torch::nn::Linear fc_pos_{nullptr}, fc_c_{nullptr};
    std::vector<torch::nn::Linear> fc_;
};
TORCH_MODULE(PointnetSimple);

}  // namespace nir::nn
