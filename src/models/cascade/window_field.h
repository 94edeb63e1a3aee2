// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"
#include "nir/models/cascade.h"

#include "models/cascade/cascade_kernels.h"
#include "models/cascade/feature_octree.h"
#include "models/fitted/free_space.h"

#include <memory>
#include <vector>

namespace nir::models {

/// What a field that is made window by window starts from.
struct WindowPlan {
    FeatureOctree whole;          ///< octaves that are kept for the whole scan
    int octaves = 0;              ///< of the network in a window, beyond the coarse one; at least those of `whole`
    bool fit = false;             ///< planes on top
    float thinning = 0;           ///< points along a cell that the network sees at most; 0 = all
    std::size_t most_bricks = 0;  ///< computed together
    double spacing = 0, noise = 0;
    double mesh_cell = 0;  ///< FitOptions::mesh_cell
    geom::Box3f domain;
    geom::Sensors sensors{};                        ///< their places; empty: not known. The points know which is theirs
    std::shared_ptr<const FreeSpace> free_space{};  ///< of the whole scan, if there are sensors
};

/// Cascade::encode_windows(): prepare() computes the remaining octaves and the fit near a box.
/// @param points  of the whole scan
std::unique_ptr<CascadeField> window_field(CascadeKernelsPtr net, std::shared_ptr<const geom::PointSource> points,
                                           WindowPlan plan);

}  // namespace nir::models
