// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"

#include "models/cascade/cascade_net.h"

namespace nir::models {

/// The octave cascade behind the door of all models: trained on batches of data::cascade_batch(), it takes point clouds
/// in any frame. infer() estimates the point spacing, which decides how many octaves are used.
class CascadeModel final : public Model {
public:
    explicit CascadeModel(const CascadeConfig& config) : config_(config), net_(config) {}

    std::string_view name() const override { return "cascade"; }
    Config config() const override;
    /// Logs "loss_octave_N" and "iou_octave_N" of the octaves that the batch has.
    at::Tensor loss(const nn::Batch& batch, const LossLog& log) override;
    Shape infer(const Observation& observation) override;
    torch::nn::Module& module() override { return *net_; }

private:
    CascadeConfig config_;
    CascadeNet net_;
};

}  // namespace nir::models
