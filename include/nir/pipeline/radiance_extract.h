// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/extract_mesh.h"

#include <filesystem>
#include <optional>

namespace nir::pipeline {

struct ExtractRadianceOptions {
    std::filesystem::path model;
    std::filesystem::path mesh;       ///< PLY, OBJ, STL, OFF, GLB by the ending
    std::optional<double> level;      ///< density per world unit; default: half of that where rays are half absorbed
    std::optional<int> resolution_0;  ///< coarse cells along the longest side [64]
    std::optional<int> upsampling;    ///< how often they are halved near the surface [2]
    bool dense = false;
    int refine = 3;
    std::optional<double> min_component;  ///< keep pieces of this share of the largest; default: the largest alone
    std::optional<geom::Box3d> box;       ///< world; default: the cube of the field, in wide scenes the innermost one
    std::optional<bool> crop;             ///< drop what no camera saw; default: in wide scenes
    bool fill = true;                     ///< what is behind the surface in all views is solid
    bool close_border = true;             ///< default of wide scenes: false
};

struct ExtractRadianceSummary {
    extract::ExtractResult result;  ///< in the cameras' own coordinates; level is a density per world unit
    std::size_t removed_components = 0, cropped_faces = 0;
};

/// Mesh of a radiance field's density, coloured as seen along -normal. Phases: "read", "render" (depth maps), "query",
/// "extract", "refine", "write". @throws Error usage, input, format, io; numeric if there is no surface; cancelled.
ExtractRadianceSummary extract_radiance(const ExtractRadianceOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
