// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"

#include "pipeline/mesh_support.h"
#include "pipeline/window_store.h"

namespace nir::pipeline {

struct PieceDataOptions {
    double spacing = 0;                  ///< of the points; > 0
    bool trim = false;                   ///< vertex_support is wanted
    double length = 0;                   ///< see MeshSupportOptions
    std::vector<geom::Vec3d> sensors{};  ///< their places, if the points have sensors
    /// Every so-manieth point of the scan: what vertices far from everything are judged by. Not empty.
    geom::PointSource::Found samples{};
};

/// Sets what the points say about the vertices of a piece: distance, vertex_support and, if points have some, colours.
/// Looks at the points around the piece, as far as they can matter; beyond 300,000 of them at the samples.
void look_at_data(FinishedWindow& window, const geom::PointSource& points, const PieceDataOptions& options);

}  // namespace nir::pipeline
