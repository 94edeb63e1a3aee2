// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/array.h"

#include "models/cascade/cascade_kernels.h"

#include <filesystem>
#include <map>
#include <string>

namespace nir::models {

/// A model file of the cascade whose tensors are those of its configuration.
struct CascadeFile {
    CascadeConfig config;
    std::map<std::string, std::string> metadata;
    std::map<std::string, std::vector<float>> parameters;  ///< of cascade_parameters(), finite
};

/// @throws Error input/format naming the file: no cascade, missing, unexpected or misshapen tensors.
CascadeFile read_cascade(const std::filesystem::path& file);

/// The same, packed for inference.
CascadeKernelsPtr load_cascade_kernels(const std::filesystem::path& file, std::map<std::string, std::string>* metadata);

}  // namespace nir::models
