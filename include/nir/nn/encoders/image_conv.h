// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/global_encoder.h"

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct SimpleConvConfig {
    void describe(ConfigVisitor&) {}
};

/// Five 3x3 convolutions of stride 2 without padding, mean over positions, one linear layer; no normalisation.
/// Pictures of at least 63 pixels a side. State: conv0 … conv4, fc_out. Ref: onet2019, ConvEncoder of the papers' code.
class SimpleConvImpl : public GlobalEncoder {
public:
    SimpleConvImpl(const SimpleConvConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::image; }
    torch::Tensor encode(const torch::Tensor& image) override { return forward(image); }
    torch::Tensor forward(const torch::Tensor& image);

private:
    std::vector<torch::nn::Conv2d> convs_;
    torch::nn::Linear fc_out_{nullptr};
};
TORCH_MODULE(SimpleConv);

}  // namespace nir::nn
