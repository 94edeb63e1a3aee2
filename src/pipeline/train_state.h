// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/pipeline/train_config.h"

#include <map>
#include <memory>

namespace nir::pipeline {

/// Everything that decides how a training goes on: raw weights, Adam's moments, averaged weights, and where it stands.
struct TrainPosition {
    std::int64_t step = 0;          ///< steps taken
    std::uint64_t next_sample = 0;  ///< of the data stream
    double seconds = 0;             ///< spent in all sessions
    double loss = 0;                ///< of the last stretch
    double best_iou = -1;           ///< -1 = not validated yet; 1 - Chamfer distance for models without a volume
    std::int64_t best_step = 0;
};

/// Figures of one step.
struct StepReport {
    double loss = 0, grad_norm = 0, lr = 0;
    double data_wait_s = 0;                 ///< spent until the batch was there
    std::map<std::string, double> figures;  ///< what the model logs
};

/// Network, its running average, and Adam (Kingma and Ba 2015; betas 0.9 and 0.999, eps 1e-8).
class TrainState {
public:
    /// Builds the network from config and seed.
    explicit TrainState(const RunConfig& config);
    ~TrainState();

    /// One optimiser step on the next batch, at learning rate `lr`. The weights stay as they are if the loss or a
    /// gradient is not finite; the report says so. @param step from 1 on.
    StepReport step(data::TrainingData& data, std::int64_t step, double lr);

    /// The averaged network (equal to the raw one if ema = 0), in eval mode: what is validated, shown and saved.
    models::Model& averaged();
    models::Model& raw();

    /// Fills raw and averaged weights from a model file. @throws nir::Error (input, format) if it does not fit.
    void init_from(const std::filesystem::path& file);

    /// optimizer.safetensors: all of it, so that one rename makes a checkpoint.
    void save(const std::filesystem::path& file, const TrainPosition& position) const;
    TrainPosition load(const std::filesystem::path& file);

private:
    struct Impl;  // keeps torch out of this header
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::pipeline
