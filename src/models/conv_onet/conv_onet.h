// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/nn/encoders/local_encoder.h"
#include "nir/nn/registry.h"

namespace nir::models {

struct ConvOnetConfig {
    std::int64_t c_dim = 32;
    double padding = 0.1;
    double threshold = 0.2;
    AnyConfig encoder{nn::local_encoder_alternatives(), "pointnet_local"};
    AnyConfig decoder{nn::local_decoder_alternatives(), "local"};

    void describe(ConfigVisitor& v);
};

/// Holds encoder and decoder under the names of the papers' checkpoints.
class ConvOnetModuleImpl : public torch::nn::Module {
public:
    explicit ConvOnetModuleImpl(const ConvOnetConfig& config);
    std::shared_ptr<nn::LocalEncoder> encoder;
    std::shared_ptr<nn::LocalDecoder> decoder;
};
TORCH_MODULE(ConvOnetModule);

/// Convolutional Occupancy Network: an encoder makes feature maps of an observation, a decoder turns a point and what
/// the maps hold there into the logit of "inside". Frame: cube of side 1 + padding around 0.
/// Batches: "observation" [B,N,3] or voxels [B,X,Y,Z], "points" [B,T,3], "occupancies" [B,T] in 0..1.
/// Ref: convonet2020.
class ConvOnet final : public Model {
public:
    explicit ConvOnet(const ConvOnetConfig& config);

    std::string_view name() const override { return "conv_onet"; }
    Config config() const override;
    ObservationKind takes() const override { return net_->encoder->takes(); }
    /// Binary cross entropy of logits, summed over points, mean over the batch; logs "iou" at the threshold.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    Shape infer(const Observation& observation) override;
    torch::nn::Module& module() override { return *net_; }

private:
    ConvOnetConfig config_;
    ConvOnetModule net_;
};

}  // namespace nir::models
