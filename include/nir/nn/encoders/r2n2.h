// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/global_encoder.h"

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct R2n2EncoderConfig {
    std::int64_t width = 96;

    void describe(ConfigVisitor& v);
};

/// Image encoder of 3D-R2N2: six 3x3 convolutions (the first 7x7), each followed by pooling and a leaky ReLU (0.01),
/// one linear layer on what is left, 3 x 3 positions. ImageNet normalisation inside. Takes 66 to 129 pixels a side
/// (published: 127). `width` scales all channels: 96, 128 and 256 as published.
/// State: convnet.{0,3,6,9,12,15}, fc_out. Ref: choy2016; r2n2.SimpleConv of onet2019's code.
class R2n2SimpleImpl : public GlobalEncoder {
public:
    R2n2SimpleImpl(const R2n2EncoderConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::image; }
    torch::Tensor encode(const torch::Tensor& image) override;

private:
    torch::nn::Sequential convnet_;
    torch::nn::Linear fc_out_{nullptr};
};
TORCH_MODULE(R2n2Simple);

/// The same with residual blocks. State: convnet.{0,2,5,7,9,11,13}, fc_out. Ref: r2n2.Resnet of onet2019's code.
class R2n2ResnetImpl : public GlobalEncoder {
public:
    R2n2ResnetImpl(const R2n2EncoderConfig& config, const GlobalDims& dims);
    ObservationKind takes() const override { return ObservationKind::image; }
    torch::Tensor encode(const torch::Tensor& image) override;

private:
    torch::nn::Sequential convnet_;
    torch::nn::Linear fc_out_{nullptr};
};
TORCH_MODULE(R2n2Resnet);

}  // namespace nir::nn
