// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/training_data.h"
#include "nir/models/registry.h"
#include "nir/pipeline/train.h"

#include <string_view>

namespace nir::pipeline {

/// The table [train]: everything about a training that is neither model nor data. Defaults: the papers' settings.
struct TrainConfig {
    int batch_size = 32;
    double lr = 1e-4;
    enum class Schedule { constant, cosine } schedule = Schedule::constant;
    double lr_end = 0.02;  ///< share of lr that the cosine ends with
    int warmup_steps = 0;
    double clip_norm = 0;  ///< 0 = off
    double ema = 0;        ///< decay of the averaged weights; 0 = off
    std::int64_t steps = 300000;
    double time = 0;  ///< seconds, all sessions together; 0 = no limit
    int log_every = 20;
    int checkpoint_every = 1000;
    int validate_every = 2000;
    int validation_batches = 8;
    int validation_scans = 16;
    int validation_points = 4096;
    int preview_every = 2000;
    int preview_scans = 4;
    int preview_cells = 128;
    int workers = 1;
    std::int64_t seed = 0;

    void describe(ConfigVisitor& v);

    /// Learning rate of step (from 1 on) after `seconds` of training.
    double learning_rate(std::int64_t step, double seconds) const;
};

/// A whole training, as it is written into the run folder.
struct RunConfig {
    AnyConfig model{models::model_alternatives(), ""};
    AnyConfig data{data::data_alternatives(), "generated"};
    TrainConfig train;

    void describe(ConfigVisitor& v);
    models::ModelConfig model_config() const {
        models::ModelConfig out;
        out.model = model;
        return out;
    }
};

/// The training set that feeds a model.
std::string_view default_data(const AnyConfig& model);

/// Reads the configuration with the options laid over it. @throws nir::Error (config) listing every mistake.
RunConfig load_run_config(const TrainOptions& options);

}  // namespace nir::pipeline
