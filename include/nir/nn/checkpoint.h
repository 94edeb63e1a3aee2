// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/array.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace torch::nn {
class Module;
}

namespace nir::nn {

/// What a model file says about itself besides its tensors.
struct CheckpointInfo {
    std::string model;           ///< name in the registry of models
    std::string config;          ///< resolved configuration, TOML
    std::int64_t step = 0;       ///< optimiser steps so far
    std::uint64_t seed = 0;      ///< seed of the training
    std::string revision;        ///< of the source that trained it
    std::string frame;           ///< the frame the model expects, in words ("unit cube around 0, y up")
    std::string training_range;  ///< what it was trained for ("300 to 100000 points, noise up to 1 %")
    std::string licence;
    std::map<std::string, std::string> extra;  ///< any other metadata, kept as it is
};

struct Checkpoint {
    CheckpointInfo info;
    io::TensorFile state;  ///< tensors only; metadata went into info
};

/// The version that save_checkpoint writes; files of a newer one are refused.
inline constexpr int kCheckpointVersion = 1;

/// Named parameters and buffers, sorted by name.
io::TensorFile state_of(const torch::nn::Module& module);

/// Copies tensors into a module, by name; floating types convert, shapes must agree.
/// @param source  what the tensors came from, for the message.
/// @param allow_partial  keep what is missing, skip what is unexpected (a warning lists both). Shapes stay strict.
/// @throws nir::Error (format) that lists missing names, unexpected names and other shapes together; the module is
///         untouched then. `num_batches_tracked` may be missing (files of torch before 0.4.1).
void load_state(torch::nn::Module& module, const io::TensorFile& state, const std::string& source,
                bool allow_partial = false);

/// Writes parameters, buffers and info as safetensors, complete or not at all.
void save_checkpoint(const std::filesystem::path& path, const torch::nn::Module& module, const CheckpointInfo& info);
void save_checkpoint(const std::filesystem::path& path, io::TensorFile state, const CheckpointInfo& info);

/// Reads a model file. @throws nir::Error (input, format); a safetensors file without nir's metadata is refused with
/// the way to convert it.
Checkpoint read_checkpoint(const std::filesystem::path& path);

}  // namespace nir::nn
