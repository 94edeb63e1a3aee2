// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace nir::geom {

/// Closest point of a mesh to a query.
struct ClosestPoint {
    double squared_distance = std::numeric_limits<double>::infinity();
    std::uint32_t face = 0;
    Vec3d point{};
};

/// First hit of a ray: p = origin + t * direction.
struct RayHit {
    double t = std::numeric_limits<double>::infinity();
    std::uint32_t face = 0;
    bool hit() const { return t < std::numeric_limits<double>::infinity(); }
};

/// Bounding volume hierarchy over the triangles of a mesh (binned surface area heuristic). Triangles are kept in double
/// relative to the centre of the mesh. Queries are const and thread-safe; a mesh without faces is allowed and is
/// infinitely far away. Faces without area are kept: they count for distances, no ray hits them.
class TriangleBvh {
public:
    /// @throws Error{input} if a face names a vertex that does not exist or a vertex in use is not finite.
    explicit TriangleBvh(const TriMesh& mesh);
    ~TriangleBvh();
    TriangleBvh(TriangleBvh&&) noexcept;
    TriangleBvh& operator=(TriangleBvh&&) noexcept;

    std::size_t size() const;

    /// Closest point within max_distance; squared_distance stays infinite if there is none.
    ClosestPoint closest(Vec3d query, double max_distance = std::numeric_limits<double>::infinity()) const;
    /// Distances to the surface of a batch, in parallel. @param out [N], overwritten, user units.
    void distances(std::span<const Vec3d> queries, std::span<double> out) const;

    /// First hit with 0 < t < t_max. The direction need not be a unit vector. Edges shared by two faces are tested with
    /// the same arithmetic, so a ray cannot slip through between them. Ref: Woop, Benthin and Wald 2013.
    RayHit cast(Vec3d origin, Vec3d direction, double t_max = std::numeric_limits<double>::infinity()) const;
    /// Number of faces that the ray meets (t > 0).
    std::size_t count_hits(Vec3d origin, Vec3d direction) const;

    /// Private form for the algorithms of this layer (src/geom/bvh_tree.h).
    struct Tree;
    const Tree& tree() const { return *tree_; }

private:
    std::unique_ptr<Tree> tree_;
};

}  // namespace nir::geom
