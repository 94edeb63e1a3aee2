// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/kd_tree.h"
#include "nir/geom/shapes.h"

#include <span>
#include <vector>

namespace nir::geom {

/// Spacing of the points around one of them: sqrt(pi r^2 / 16), r = distance to the 16th neighbour (the side of the
/// square of surface that each stands for); then the median of that over the point and its 16 neighbours, and no
/// less than `floor`. A LiDAR's density falls with the square of the distance: there is no one spacing.
///
/// Stray points, metres apart in the air, are no sparse surface, and the spacing is `floor` where
/// - a point's own figure is more than four times that of its neighbourhood: it is alone;
/// - that of the neighbourhood is more than three times `floor`, and the points form no sheet: the variance across the
///   thinnest direction over that along the second one, median over the same points, is more than 0.36. It is 0.02 on a
///   surface with noise, up to 0.25 along edges and in corners, 0.5 in the air. Beyond ten times `floor` the points
///   must form a plane (0.08).
struct LocalSpacing {
    double spacing = 0;
    double reach = 0;  ///< the same before strays are told: points within five times that were looked at
};
/// For single ones of the points. @param which [M] indices into points
/// @return [M]. Depends on the points alone, not on `which` or threads.
std::vector<LocalSpacing> local_spacing(std::span<const Vec3d> points, const KdTree& tree,
                                        std::span<const std::uint32_t> which, double floor);

struct SupportOptions {
    double spacing = 0;  ///< of the whole scan; > 0
    /// The limit is so many local spacings. Of points that are scattered evenly on a surface, none lies within r of a
    /// place on it with probability exp(-pi (r / spacing)^2): 3e-9 for 2.5.
    double spacings = 2.5;
    double length = 0;  ///< or this length everywhere, if > 0
};

/// What the data say about each vertex of a mesh.
struct VertexSupport {
    std::vector<Neighbor> nearest;  ///< the nearest point of each vertex
    std::vector<float> spacing;     ///< local spacing there (see below)
    std::vector<float> support;     ///< distance / limit: above 1 nothing supports the vertex (trim_mesh.h)
    double reach = 0;               ///< points farther than that from all vertices do not matter
};

/// Looks up the data around vertices; each vertex is judged for itself, so a mesh may be given in pieces.
/// The local spacing is looked up for points that are nearest to vertices farther than a global spacing away; for all
/// others it is the global one, which changes support values below 0.4 only.
/// @param tree of `points`
VertexSupport support_vertices(std::span<const Vec3d> vertices, std::span<const Vec3d> points, const KdTree& tree,
                               const SupportOptions& options);

}  // namespace nir::geom
