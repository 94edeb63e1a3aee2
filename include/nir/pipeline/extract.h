// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/extract/extract_mesh.h"
#include "nir/pipeline/open_field.h"

#include <filesystem>
#include <optional>

namespace nir::pipeline {

/// How cells become a mesh: every filled cell as a box, or Marching Cubes between the samples.
enum class VoxelMesh { boxes, surface };

struct ExtractOptions {
    OpenFieldOptions source;
    /// PLY, OBJ, STL, OFF, GLB by the ending. A model that makes points writes a cloud (also NPY [N,3], XYZ, …); one
    /// that makes voxels writes its mesh, or the cells themselves (binvox: 0 or 1, NPY and NPZ: probabilities [X,Y,Z]).
    std::filesystem::path mesh;
    std::optional<std::filesystem::path> values;  ///< also write the sampled lattice, NPY [X,Y,Z] float32
    /// Models: a probability in (0, 1), default the model's own. Volumes: a value, default 0.5 for binvox and whole
    /// numbers in 0..1, otherwise 0.
    std::optional<double> level;
    /// Coarse cells along the longest side, and how often they are halved. A volume is taken sample by sample unless
    /// one of these (or dense) is given; then it is resampled by trilinear interpolation.
    std::optional<int> resolution_0, upsampling;
    bool dense = false;
    int refine = 3;                       ///< root-finding steps per vertex
    std::optional<VoxelMesh> voxel_mesh;  ///< default: boxes for models that make voxels, surface for volumes
    bool inside_below = false;            ///< a volume whose inside is below the level (distances)
    bool close_border = true;
    double min_component = 0.0;  ///< drop components with less area than this share of the largest
};

struct ExtractSummary {
    extract::ExtractResult result;  ///< mesh and figures; report is that of the written mesh
    std::string kind;
    std::size_t removed_components = 0;
    std::size_t points = 0;    ///< of a cloud; the result is empty then
    std::size_t n_filled = 0;  ///< cells above the level, of voxels that were written as they are
};

/// Field (or the points, voxels or mesh of a model that gives no field) to a file. @throws Error(usage) for options
/// that mean nothing to such a shape, or an ending that cannot hold it; Error(numeric) if there is no surface at the
/// level, saying what values there are.
ExtractSummary extract_to_file(const ExtractOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
