// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/cascade.h"

#include "models/cascade/cascade_kernels.h"
#include "models/cascade/feature_octree.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace nir::models {

/// At most one point per cell of a grid: the one closest to the mean of its cell. Order is kept. The grid is anchored
/// at `origin`, not at the points, so that a part of the points, taken box-wise, keeps the same ones inside.
/// @param points [N,3], finite  @param cell > 0, at least 2^-20 of the points' distance from the origin
std::vector<geom::Vec3f> thin_points(std::span<const geom::Vec3f> points, geom::Vec3f origin, float cell);

/// Adds the next octave to a tree that has at least the coarse one: finds its bricks in a box and computes their
/// features. Bricks within kHaloBricks of the box are found too, since features depend on them, but keep zeros.
/// @param points  at least those within kHaloBricks bricks and kPointReach + 2 cells of the box
/// @param cores   bricks whose features are wanted; the octave before must be known within 4 bricks of it
/// @param most_bricks  computed together: about 130 KB of memory each
void add_fine_octave(const CascadeKernels& net, FeatureOctree& tree, std::span<const geom::Vec3f> points,
                     const BrickBox& cores, std::size_t most_bricks);

/// The field of features on octaves and the network's decoder. @param domain  where it may be asked
std::unique_ptr<CascadeField> learned_field(FeatureOctree tree, CascadeKernelsPtr net, const geom::Box3f& domain);

}  // namespace nir::models
