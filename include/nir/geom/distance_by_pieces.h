// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstdint>
#include <span>
#include <vector>

namespace nir::geom {

/// Distances of points to a mesh that comes in pieces, exactly those to the whole. Every piece comes twice, in any
/// order: first all with near(), then all with far().
class DistanceByPieces {
public:
    explicit DistanceByPieces(std::vector<Vec3d> points);

    /// First round: looks at the points in a box, in which the piece lies about.
    void near(const TriMesh& piece, const Box3d& box);
    /// Second round: looks at the points that this piece may be nearer to than what has been found.
    void far(const TriMesh& piece);

    /// Infinite as long as there has been no face.
    std::vector<double> distances() const;

private:
    void look(const TriMesh& piece, std::span<const std::uint32_t> which);

    std::vector<Vec3d> points_;
    std::vector<double> squared_;
};

}  // namespace nir::geom
