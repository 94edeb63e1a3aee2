// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "pipeline/window_pieces.h"

#include <filesystem>
#include <memory>

namespace nir::pipeline {

struct TrimPiecesOptions {
    geom::Vec3i windows{1, 1, 1};       ///< of the lattice, z fastest
    double cell = 0;                    ///< of the lattice
    MeshSupportOptions support{};       ///< as for the whole mesh; the sensors have been asked already
    std::filesystem::path spill_dir{};  ///< trimmed pieces go to the disk of this folder; empty = memory
};

/// What support_mesh() does to a mesh, for one that is never in memory as a whole: confidence, then the cut where no
/// point supports the surface, then the islands. The vertices and faces are those of the whole, bit by bit, in another
/// order: by pieces. Every piece is cut with what lies within 16 cells around it, which is farther than the cut looks
/// (geom/trim_mesh.h); pieces in whose surroundings everything is supported are not touched. New vertices on the border
/// of two pieces are known to both by what they lie on. About 100 MB of pieces are in memory together.
/// @param pieces  of windows of at least 16 cells, with vertex_support  @return pieces with the confidence of
/// MeshSupport in mesh.confidence (PieceWriting::confident)
std::unique_ptr<WindowPieces> trim_pieces(WindowPieces& pieces, const TrimPiecesOptions& options);

}  // namespace nir::pipeline
