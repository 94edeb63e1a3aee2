// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/pipeline/extract.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace nir::pipeline {

struct InterpolateOptions {
    /// Model, first observation and seed, mesh name and resolution; `mesh` out.ply makes out_000.ply, out_001.ply, …
    ExtractOptions extract;
    std::optional<std::filesystem::path> input_b;  ///< second observation; none = the first
    std::optional<std::uint64_t> seed_b;           ///< second seed of a generative model
    int steps = 5;                                 ///< shapes, both ends included
};

struct InterpolateSummary {
    std::vector<std::filesystem::path> meshes;
    std::vector<std::size_t> faces;  ///< of each mesh
    std::filesystem::path strip;     ///< out.png, all of them side by side
};

/// Meshes of the shapes between two: their codes move on a straight line. Writes a picture of all beside them.
/// @throws nir::Error (usage) if the model has no codes or nothing differs between the ends; (numeric) if a shape has
///         no surface at the level; else as extract_to_file().
InterpolateSummary interpolate_to_files(const InterpolateOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
