// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Radiance fields for users: photos in; a run folder, pictures, figures and meshes out
// (docs/methods/radiance_fields.md).
#pragma once

#include "nir/base/progress.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace nir::pipeline {

struct TrainRadianceOptions {
    std::filesystem::path input;           ///< posed photos (io::looks_like_scene), or a TOML file with data.path
    std::filesystem::path preset;          ///< TOML file laid under the rest; empty: defaults
    std::vector<std::string> overrides{};  ///< "a.b=1", laid over the file
    std::filesystem::path out;             ///< run folder
    bool resume = false;                   ///< go on from the last checkpoint in `out`, with its configuration
    bool force = false;                    ///< replace the run that is there
    std::optional<std::int64_t> steps;     ///< instead of train.steps; alone it takes the limit of time away
    std::optional<double> time_s;          ///< instead of train.time; alone it takes the limit of steps away
    std::optional<std::uint64_t> seed;     ///< instead of train.seed
    std::uint64_t max_memory = 0;          ///< bytes; photos are shrunk to fit. 0: no limit
};

struct TrainRadianceResult {
    std::int64_t steps = 0;  ///< taken in all, earlier sessions included
    double seconds = 0;      ///< spent in all
    double loss = 0;         ///< mean of the last stretch of log_every steps
    double psnr = 0;         ///< of the trained rays of that stretch, dB
    double view_psnr = 0;    ///< mean over the held-out views that were rendered at the end (or trained ones); dB
    std::size_t views = 0;   ///< as many as that; 0: none was wanted
    bool held_out = false;
    double best_psnr = 0;  ///< of the previews
    std::int64_t best_step = 0;
    double samples_per_second = 0;  ///< trained ones, this session
    std::filesystem::path model;
};

/// True if training with this input makes a radiance field: no TOML file, or one with [model] name = "radiance".
bool is_radiance_training(const std::filesystem::path& input);

/// Trains a radiance field into a run folder. Same photos, configuration, seed and number of steps: the same bytes for
/// any number of threads, whether the run was stopped and resumed or not (if the learning rate follows the steps and
/// not the clock). @throws nir::Error: config, usage, input, format, numeric, io; cancelled after saving.
TrainRadianceResult train_radiance(const TrainRadianceOptions& options, Progress& progress);

}  // namespace nir::pipeline
