// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// A picture or the signed distance of a mesh, learned with the engine of the radiance field
// (docs/methods/function_fields.md).
#pragma once

#include "nir/base/config.h"
#include "nir/base/progress.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace nir::pipeline {

/// The table [model]. Numbers that say 0 are worked out from the input.
struct FunctionModelOptions {
    std::string name = "function";
    int levels = 16, features = 2, log2_entries = 19, base_resolution = 16, hidden = 64;
    double finest_resolution = 0;

    void describe(ConfigVisitor& v);
};

/// The table [data].
struct FunctionDataOptions {
    std::string path;
    int log2_samples = 20;
    double margin = 0.05;

    void describe(ConfigVisitor& v);
};

/// The table [train].
struct FunctionTrainConfig {
    std::int64_t steps = 0;
    double time = 60, lr = 0, lr_end = 0.01, decay_from = 0.3, checkpoint_every = 60;
    int log2_batch = 15, log_every = 50;
    std::int64_t seed = 0;

    void describe(ConfigVisitor& v);
};

struct FunctionConfig {
    FunctionModelOptions model;
    FunctionDataOptions data;
    FunctionTrainConfig train;

    void describe(ConfigVisitor& v);
};

/// True if [model] name = "function" stands in the tree.
bool is_function_config(const Config& tree);

struct TrainFunctionOptions {
    std::filesystem::path input;           ///< a picture or a mesh, or a TOML file with data.path
    std::filesystem::path preset;          ///< TOML file laid under the rest; empty: defaults
    std::vector<std::string> overrides{};  ///< "a.b=1"
    std::filesystem::path out;             ///< run folder
    bool resume = false;                   ///< go on with the run that is there
    bool force = false;                    ///< replace it
    std::optional<std::int64_t> steps;     ///< instead of train.steps; alone it takes the limit of time away
    std::optional<double> time_s;          ///< instead of train.time; alone it takes the limit of steps away
    std::optional<std::uint64_t> seed;     ///< instead of train.seed
};

struct TrainFunctionResult {
    std::int64_t steps = 0;
    double seconds = 0, loss = 0;  ///< of all sessions; mean of the last stretch
    bool image = false;
    double psnr = 0;  ///< of the whole picture, rounded to 8 bits, all channels
    double iou = 0;   ///< of 200,000 points in the mesh's box
    std::filesystem::path model;
};

/// True if training with this input learns a picture or a mesh: by its ending, or [model] name = "function".
bool is_function_training(const std::filesystem::path& input);

/// The same input, configuration, seed and number of steps give the same bytes, resumed or not.
/// @throws Error config, usage, input, format, numeric, io; cancelled after saving.
TrainFunctionResult train_function(const TrainFunctionOptions& options, Progress& progress);

/// The model file that a path means, if it is a function: the file itself or that of a run folder.
std::optional<std::filesystem::path> function_model_file(const std::filesystem::path& path);

/// Draws the picture that was learned. @param width, height 0: as it was (one of them 0: in proportion) @return the
/// size. @throws Error usage: a function of kind distance; io.
std::pair<int, int> render_function(const std::filesystem::path& model, const std::filesystem::path& out, int width,
                                    int height);

}  // namespace nir::pipeline
