// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/geom/shapes.h"
#include "nir/models/model.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace nir::models {

struct SlidingWindowOptions {
    int resolution_0 = 32;  ///< samples along a side of a box, before it is refined
    int upsampling = 0;     ///< 0: every sample is asked; else MISE in each box, halving so often
    /// Logit of the surface; default: the model's threshold.
    std::optional<double> level{};
};

struct SlidingWindowResult {
    /// Logits of the whole scan, resolution_0 * 2^upsampling samples for each box and axis: lower faces of boxes
    /// included, upper ones belong to the next. Where MISE did not ask, the fill of the papers' code.
    geom::VoxelGrid grid;
    /// Surface in the frame of the scan; closed at the border.
    geom::TriMesh mesh;
    geom::Vec3i boxes{};
    /// Points of each call of the network, box by box, x slowest.
    std::vector<std::size_t> calls;
    double level = 0;
};

/// The papers' generator for crop models: goes over the boxes of a scan one after the other, joins their samples to one
/// grid (which must fit into memory) and runs Marching Cubes on it. `nir extract` makes meshes of such models too, on a
/// lattice and with refinement of its own; this is for the same samples and vertices as the papers' code.
/// @throws nir::Error (usage) for a model that is not a crop model, (config) for options out of range, (cancelled).
/// Ref: convonet2020 §3.4, Generator3D.generate_mesh_sliding of the papers' code. Deviation: boxes are counted, not
/// made by adding up steps; windows without points are encoded once.
SlidingWindowResult sliding_window(Model& model, const Observation& observation, const SlidingWindowOptions& options,
                                   Progress& progress);

}  // namespace nir::models
