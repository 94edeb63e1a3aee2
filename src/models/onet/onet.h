// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/nn/encoders/latent.h"
#include "nir/nn/registry.h"

namespace nir::models {

struct OnetConfig {
    std::int64_t c_dim = 512;
    std::int64_t z_dim = 0;
    double padding = 0.1;
    double threshold = 0.2;
    std::int64_t image_size = 224;
    AnyConfig encoder{nn::global_encoder_alternatives(), "pointnet_resnet"};
    AnyConfig decoder{nn::global_decoder_alternatives(), "cbatchnorm"};
    nn::LatentEncoderConfig latent;

    void describe(ConfigVisitor& v);
};

/// Holds its parts under the names of the papers' checkpoints.
class OnetModuleImpl : public torch::nn::Module {
public:
    explicit OnetModuleImpl(const OnetConfig& config);
    std::shared_ptr<nn::GlobalEncoder> encoder;
    std::shared_ptr<nn::GlobalDecoder> decoder;
    nn::LatentEncoder encoder_latent{nullptr};  // if z_dim > 0
};
TORCH_MODULE(OnetModule);

/// Occupancy Network: one code of an observation (or of nothing), a decoder that turns a point and the code into the
/// logit of "inside"; with z_dim > 0 also a latent code with a standard normal prior, trained as a variational
/// autoencoder. Frame: cube of side 1 + padding around 0.
/// Batches: "observation" by the encoder (none: not needed), "points" [B,T,3], "occupancies" [B,T] in 0..1.
/// Ref: onet2019.
class Onet final : public Model {
public:
    explicit Onet(const OnetConfig& config);

    std::string_view name() const override { return "onet"; }
    Config config() const override;
    ObservationKind takes() const override { return net_->encoder->takes(); }
    bool generative() const override { return config_.z_dim > 0; }
    /// Binary cross entropy summed over points plus the divergence of the latent code from its prior, mean over the
    /// batch; logs "iou" at the threshold and "kl". The latent code is drawn from torch's default generator in training
    /// mode, with a fixed seed in eval mode.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    /// The latent code is 0, the mean of its prior.
    Shape infer(const Observation& observation) override { return sample({observation, {}}); }
    Shape sample(const ShapeSource& source) override;
    Shape interpolate(const ShapeSource& a, const ShapeSource& b, double t) override;
    torch::nn::Module& module() override { return *net_; }

private:
    struct Codes {
        torch::Tensor z, c;  // [1,z_dim], [1,c_dim]
    };
    Codes encode(const ShapeSource& source);
    Shape decode(const Codes& codes);

    OnetConfig config_;
    OnetModule net_;
};

}  // namespace nir::models
