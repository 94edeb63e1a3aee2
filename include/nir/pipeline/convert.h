// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace nir {
class PhaseTimer;
}

namespace nir::pipeline {

/// What was read and written.
struct ConvertResult {
    std::string from, to;  ///< names of the formats
    std::string kind;      ///< "mesh", "points", "voxel grid", "image" or "arrays"
    std::size_t points = 0, faces = 0, arrays = 0;
    std::vector<std::string> lost;  ///< what the file written cannot hold ("faces", "normals", "metadata")
};

/// Converts meshes, clouds, arrays, voxel grids and images between the formats of `nir list format`, by the ending of
/// `out`. Arrays that hold points or a volume become geometry or a grid where the target asks for one.
/// Checkpoints: see convert_checkpoint.h.
/// @param timer gets the phases "read" and "write". @throws Error usage if the target cannot hold it; input, format,
/// io.
ConvertResult convert(const std::filesystem::path& in, const std::filesystem::path& out, PhaseTimer& timer);

}  // namespace nir::pipeline
