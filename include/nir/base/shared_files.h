// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace nir {

/// Folders that may hold what comes with nir (models/, configs/), best first: $NIR_SHARE, share/nir beside the folder
/// of the running program, share/nir of the prefix nir was configured for, the source tree it was built from.
std::vector<std::filesystem::path> shared_folders();

/// The first of them that holds `relative` ("models/NAME.safetensors"), or nothing.
std::optional<std::filesystem::path> find_shared_file(std::string_view relative);

}  // namespace nir
