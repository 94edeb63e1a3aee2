// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace nir::pipeline {

struct ConvertCheckpointOptions {
    std::filesystem::path in;      ///< torch.save file (zip or legacy), NPZ of named tensors, or safetensors
    std::filesystem::path out;     ///< model file, .safetensors
    std::filesystem::path config;  ///< TOML with a [model] table; may be empty if `in` is a model file of nir
    bool allow_partial = false;    ///< keep first weights where `in` has none, skip what the model does not know
    std::uint64_t seed = 0;        ///< of first weights under allow_partial
};

struct ConvertCheckpointResult {
    std::string model;  ///< name of the network
    std::string from;   ///< what was read: "torch checkpoint", "npz", "safetensors"
    std::int64_t tensors = 0, parameters = 0, step = 0;
};

/// True if the file is one of torch.save, by its contents. @throws nir::Error (input) if it cannot be read.
bool is_torch_checkpoint(const std::filesystem::path& file);

/// Makes a model file of a checkpoint: the configuration says which network the tensors belong to, and every tensor
/// must find its place. Steps and scalars of training checkpoints are kept, optimiser states are not.
/// @throws nir::Error (usage, config, input, format), listing every missing, unexpected and misshapen tensor at once.
ConvertCheckpointResult convert_checkpoint(const ConvertCheckpointOptions& options);

}  // namespace nir::pipeline
