// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/nn/decoders/psgn.h"
#include "nir/nn/registry.h"

namespace nir::models {

/// The rows of the registry of encoders, and "psgn_cond", which also gives feature maps.
std::span<const ConfigAlternative> psgn_encoder_alternatives();

struct PsgnConfig {
    enum class Decoder { simple, psgn_2branch };

    std::int64_t c_dim = 512;
    std::int64_t n_points = 1024;
    std::int64_t image_size = 224;
    AnyConfig encoder{psgn_encoder_alternatives(), "pointnet_resnet"};
    Decoder decoder = Decoder::simple;

    void describe(ConfigVisitor& v);
};

/// Holds its parts under the names of the papers' checkpoints; one of each pair is used.
class PsgnModuleImpl : public torch::nn::Module {
public:
    explicit PsgnModuleImpl(const PsgnConfig& config);
    /// [B,n,3]
    torch::Tensor forward(const torch::Tensor& observation);
    ObservationKind takes() const;

private:
    std::shared_ptr<nn::GlobalEncoder> encoder_;
    nn::PsgnCond cond_{nullptr};
    nn::PsgnSimple simple_{nullptr};
    nn::PsgnTwoBranch two_branch_{nullptr};
};
TORCH_MODULE(PsgnModule);

/// Point Set Generation Network: an observation becomes a fixed number of points, trained with the Chamfer distance.
/// Batches: "observation", "surface" [B,M,3]. Gives a cloud in the frame of "surface". Ref: fan2017, onet2019 §4.1.
class Psgn final : public Model {
public:
    explicit Psgn(const PsgnConfig& config) : config_(config), net_(config) {}

    std::string_view name() const override { return "psgn"; }
    Config config() const override;
    ObservationKind takes() const override { return net_->takes(); }
    data::TrainingTargets targets() const override { return {.surface = true}; }
    /// Chamfer distance (squared, the sum of both means), averaged over the batch.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    Shape infer(const Observation& observation) override;
    torch::nn::Module& module() override { return *net_; }

private:
    PsgnConfig config_;
    PsgnModule net_;
};

}  // namespace nir::models
