// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/nn/registry.h"

#include "models/dvr/dvr_decoder.h"
#include "models/dvr/dvr_loss.h"

namespace nir::models {

struct DvrConfig {
    double padding = 0.1;
    double threshold = 0.5;
    std::int64_t image_size = 224;
    AnyConfig encoder{nn::global_encoder_alternatives(), "null"};
    DvrDecoderConfig decoder{.c_dim = 0, .hidden = 128};
    double start_radius = 0.3;
    std::int64_t march_steps = 64;
    bool faithful = false;
    double rgb_weight = 1, depth_weight = 0, sparse_depth_weight = 0, normal_weight = 0.05, freespace_weight = 1,
           occupancy_weight = 1;

    void describe(ConfigVisitor& v);
};

/// Holds its parts under the names of the papers' checkpoints.
class DvrModuleImpl : public torch::nn::Module {
public:
    explicit DvrModuleImpl(const DvrConfig& config);
    DvrDecoder decoder{nullptr};
    std::shared_ptr<nn::GlobalEncoder> encoder;  // if c_dim > 0
};
TORCH_MODULE(DvrModule);

/// Differentiable volumetric rendering: an occupancy field with colours, learned from pictures and silhouettes alone by
/// differentiating through the surface that each ray meets first. Of one object (c_dim = 0), or conditioned on a
/// picture. Frame: cube of side 1 + padding around 0.
/// Batches: "origins", "directions", "rgb", "freespace", "occupied" [B,N,3], "object" [B,N] (data "views"); with an
/// encoder also "observation" [B,3,H,W] and, for a loss of depths, "depth" [B,N] (data "pictures").
/// Deviations: rays are marched by a kernel that stops at the surface; slopes along a ray keep their sign where they
/// are raised to 1e-3, and the network of one object starts as a ball (faithful = true: neither). Ref: niemeyer2020.
class Dvr final : public Model {
public:
    explicit Dvr(const DvrConfig& config);

    std::string_view name() const override { return "dvr"; }
    Config config() const override;
    ObservationKind takes() const override { return net_->encoder ? net_->encoder->takes() : ObservationKind::none; }
    /// Sums over rays, divided by the pictures; logs "mask_iou", and "psnr" of the rays that see the object.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    Shape infer(const Observation& observation) override;
    torch::nn::Module& module() override { return *net_; }

private:
    torch::Tensor code_of(const Observation& observation);

    DvrConfig config_;
    DvrModule net_;
};

}  // namespace nir::models
