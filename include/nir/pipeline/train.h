// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace nir::pipeline {

struct TrainOptions {
    std::filesystem::path config;        ///< TOML with [model], [data], [train]
    std::vector<std::string> overrides;  ///< "a.b=1", laid over the file
    std::filesystem::path out;           ///< run folder (docs/methods/training.md lists its files)
    bool resume = false;                 ///< go on from the last checkpoint in `out`
    bool force = false;                  ///< replace the run that is there; files of other names stay
    std::optional<std::int64_t> steps;   ///< instead of train.steps
    std::optional<double> time_s;        ///< instead of train.time
    std::optional<std::uint64_t> seed;   ///< instead of train.seed
    std::filesystem::path init;          ///< model file to start from; empty = random weights
};

struct TrainResult {
    std::int64_t steps = 0;  ///< taken in all, earlier sessions included
    double seconds = 0;      ///< spent in all
    double loss = 0;         ///< mean of the last stretch of log_every steps
    double data_wait = 0;    ///< share of this session's step time that went by until batches were there
    double best_iou = 0;     ///< of the best validation; 1 - Chamfer distance for models without a volume
    std::int64_t best_step = 0;
    std::filesystem::path model, best;  ///< the files; best is empty if there was no validation
};

/// Trains a model into a run folder. Same configuration, seed and number of threads: same bits; a run that was stopped
/// and resumed gives the same bits as one that was not, unless its learning rate follows the clock (train.time).
/// @throws nir::Error: config (every mistake at once), usage or input (the run folder, nothing to resume), numeric (the
/// loss is not finite: names step, samples and seed), io (disk), cancelled after saving if progress says so.
TrainResult train(const TrainOptions& options, Progress& progress);

}  // namespace nir::pipeline
