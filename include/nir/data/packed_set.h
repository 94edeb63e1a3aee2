// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/data/model_set.h"

#include <cstdint>
#include <filesystem>

namespace nir::data {

/// Value of "format" in the metadata of a packed file.
inline constexpr const char* kPackedFormat = "nir-dataset-1";

struct PackOptions {
    bool voxels = true;  ///< take the voxel grids of the models where all have one
    bool views = true;   ///< take the pictures where all models have the same number and size of them
};

struct PackResult {
    std::size_t models = 0;
    std::uint64_t points = 0, surface_points = 0, bytes = 0;
    bool voxels = false, views = false;  ///< whether the file holds them
};

/// Writes all models of a set into one packed file (docs/formats/datasets.md). The values go to the disk model by
/// model; memory holds one of them. Types: float16 if every model has float16, else float32.
/// @throws Error{input, format} naming the model; Error{cancelled} if progress says so.
PackResult write_packed_set(const std::filesystem::path& file, const ModelSet& models, std::string_view split,
                            const PackOptions& options, Progress& progress);

}  // namespace nir::data
