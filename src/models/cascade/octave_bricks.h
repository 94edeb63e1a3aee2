// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include "models/cascade/feature_octree.h"

#include <ATen/core/Tensor.h>
#include <functional>
#include <span>
#include <vector>

namespace nir::models {

/// Which bricks an octave needs, for FeatureOctree::add_octave(): the rule of active_mask() (cascade_net.h), from the
/// points and the octave before. @param decode [n, channels] features -> [n] logits
/// @param within  only bricks of this box are looked for. Whether one is needed depends on points within
///                kPointReach cells and on the octave before within kUndecidedReach cells around it.
ActiveBricks active_bricks(const FeatureOctree& tree, std::span<const geom::Vec3f> points, int octave,
                           const std::function<at::Tensor(const at::Tensor&)>& decode, const BrickBox& within);

/// What the fine U-Net sees on bricks of an octave: the local statistics of the points, then brick_context().
/// @return [N, kSplatChannels + channels, 8, 8, 8] f32
at::Tensor brick_inputs(const FeatureOctree& tree, std::span<const geom::Vec3f> points, int octave,
                        std::span<const geom::Vec3i> bricks);

/// Features of the octave before (coarser ones where it has none), upsampled to bricks of an octave as
/// upsample_octave() does. @return [N, channels, 8, 8, 8] f32
at::Tensor brick_context(const FeatureOctree& tree, int octave, std::span<const geom::Vec3i> bricks);

/// Bricks that are computed together: the first n_core are kept, the others lie within kHaloBricks of them.
struct BrickGroup {
    std::vector<geom::Vec3i> bricks;
    std::size_t n_core = 0;
};
/// The receptive field of the fine U-Net reaches 17 cells beyond a brick.
inline constexpr int kHaloBricks = 3;
/// Splits the bricks of an octave into groups of at most `most` bricks, halo included, as long as blocks of 8^3 bricks
/// can be split. Every brick is in the core of one group. What a group computes for its core is what the whole set
/// would. @param cores  only bricks of this box are cores
std::vector<BrickGroup> group_bricks(const FeatureOctree& tree, int octave, std::size_t most, const BrickBox& cores);

}  // namespace nir::models
