// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/mesh_check.h"
#include "nir/geom/shapes.h"

#include <cstdint>
#include <memory>
#include <span>

namespace nir::geom {

/// check_mesh() of a mesh that never is in memory as a whole: it comes in pieces, each face in one of them. Kept of a
/// piece are its edges between open vertices, the fans of faces at open vertices and its components that reach them.
/// The report is that of the joined mesh; area and volume differ in rounding (the volume of an open mesh also if
/// vertices that no face names lie outside the box of the others).
class PiecewiseCheck {
public:
    PiecewiseCheck();
    ~PiecewiseCheck();

    struct Piece {
        std::span<const Vec3d> vertices;
        std::span<const Triangle> faces;
        std::span<const std::uint32_t> number;  ///< of each vertex that faces name, in the joined mesh
        std::span<const std::uint8_t> open;     ///< 1: other pieces may name the vertex
    };
    /// @throws Error(input) for a face that names a vertex beyond the end.
    void add(const Piece& piece);
    /// @param vertices  of the joined mesh
    MeshReport finish(std::size_t vertices);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::geom
