// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "models/cascade/cascade_net.h"

#include <filesystem>
#include <map>
#include <string>

namespace nir::models {

/// Writes the parameters (f32, or f16 to halve the file) with the resolved configuration and `metadata`.
void save_cascade(const std::filesystem::path& file, CascadeNet& net, std::map<std::string, std::string> metadata,
                  bool half = false);
/// @throws Error input/format naming the file: no cascade, missing, unexpected or misshapen tensors.
CascadeNet load_cascade(const std::filesystem::path& file, std::map<std::string, std::string>* metadata);

}  // namespace nir::models
