// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/nn/decoders/atlasnet.h"
#include "nir/nn/registry.h"

#include "models/atlasnet/templates.h"

namespace nir::models {

struct AtlasnetConfig {
    std::int64_t c_dim = 1024;
    PatchTemplate patch = PatchTemplate::square;
    std::int64_t n_patches = 25;
    std::int64_t n_points = 2500;
    std::int64_t hidden = 512;
    std::int64_t n_layers = 2;
    nn::PatchActivation activation = nn::PatchActivation::relu;
    std::int64_t image_size = 224;
    AnyConfig encoder{nn::global_encoder_alternatives(), "atlasnet_pointnet"};

    void describe(ConfigVisitor& v);
};

/// Holds its parts under the names of AtlasNet's checkpoints.
class AtlasnetModuleImpl : public torch::nn::Module {
public:
    explicit AtlasnetModuleImpl(const AtlasnetConfig& config);
    std::shared_ptr<nn::GlobalEncoder> encoder;
    nn::AtlasnetDecoder decoder{nullptr};
};
TORCH_MODULE(AtlasnetModule);

/// AtlasNet: an observation bends patches (squares or spheres) into place, each by a network of its own. Trained with
/// the Chamfer distance at random points of the patches; meshes are the bent regular patches, merged: squares stay open
/// sheets, and nothing keeps sheets from crossing. Batches: "observation", "surface" [B,M,3]. Ref: groueix2018.
class Atlasnet final : public Model {
public:
    explicit Atlasnet(const AtlasnetConfig& config) : config_(config), net_(config) {}

    std::string_view name() const override { return "atlasnet"; }
    Config config() const override;
    ObservationKind takes() const override { return net_->encoder->takes(); }
    data::TrainingTargets targets() const override { return {.surface = true}; }
    /// Chamfer distance (squared, the sum of both means), averaged over the batch. In training mode at n_points /
    /// n_patches random points of each patch, drawn from torch's default generator and the same for the whole batch;
    /// in eval mode at the regular points.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    /// The same at given template points, one [1,d,n] for each patch.
    at::Tensor loss_at(const nn::Batch& batch, const std::vector<torch::Tensor>& points);
    Shape infer(const Observation& observation) override;
    torch::nn::Module& module() override { return *net_; }

private:
    std::vector<torch::Tensor> regular_points(const TemplateMesh& patch) const;
    std::vector<torch::Tensor> random_points() const;

    AtlasnetConfig config_;
    AtlasnetModule net_;
};

}  // namespace nir::models
