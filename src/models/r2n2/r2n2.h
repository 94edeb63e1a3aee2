// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/nn/decoders/r2n2.h"
#include "nir/nn/registry.h"

namespace nir::models {

struct R2n2Config {
    std::int64_t c_dim = 256;
    std::int64_t resolution = 32;
    double threshold = 0.4;
    std::int64_t image_size = 224;
    AnyConfig encoder{nn::global_encoder_alternatives(), "pointnet_resnet"};

    void describe(ConfigVisitor& v);
};

/// Holds its parts under the names of the papers' checkpoints.
class R2n2ModuleImpl : public torch::nn::Module {
public:
    explicit R2n2ModuleImpl(const R2n2Config& config);
    /// Logits [B,1,R,R,R]
    torch::Tensor forward(const torch::Tensor& observation) { return decoder(encoder->encode(observation)); }
    std::shared_ptr<nn::GlobalEncoder> encoder;
    nn::VoxelDecoder decoder{nullptr};
};
TORCH_MODULE(R2n2Module);

/// Voxel baseline in the manner of 3D-R2N2: an observation becomes the occupancy of a grid of cells over the unit cube.
/// Batches: "observation", "voxels" [B,R,R,R]. Gives a grid of probabilities at cell centres, cell (i,j,k) over
/// [-0.5 + i / R, -0.5 + (i + 1) / R] and so on; its mesh is cut at 0.5, whatever the threshold. Ref: choy2016,
/// onet2019 §4.1.
class R2n2 final : public Model {
public:
    explicit R2n2(const R2n2Config& config) : config_(config), net_(config) {}

    std::string_view name() const override { return "r2n2"; }
    Config config() const override;
    ObservationKind takes() const override { return net_->encoder->takes(); }
    data::TrainingTargets targets() const override { return {.voxels = static_cast<int>(config_.resolution)}; }
    /// Binary cross entropy, mean over all cells of the batch; logs "iou" of the cells at the threshold.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    Shape infer(const Observation& observation) override;
    torch::nn::Module& module() override { return *net_; }

private:
    R2n2Config config_;
    R2n2Module net_;
};

}  // namespace nir::models
