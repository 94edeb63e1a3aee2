// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include "models/cascade/brick_set.h"
#include "models/cascade/feature_octree.h"

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace nir::models {

using FeatureDecoder = std::function<void(std::span<const float> features, std::span<float> logits)>;

/// Which bricks an octave needs, for FeatureOctree::add_octave(): the rule of active_mask() (cascade_net.h), from the
/// points and the octave before. @param decode  features [n, channels] -> logits [n], also from several threads
/// @param within  only bricks of this box are looked for. Whether one is needed depends on points within
///                kPointReach cells and on the octave before within kUndecidedReach cells around it.
ActiveBricks active_bricks(const FeatureOctree& tree, std::span<const geom::Vec3f> points, int octave,
                           const FeatureDecoder& decode, const BrickBox& within);

/// What the fine U-Net sees of bricks of an octave: the local statistics of the points and brick_context(), made for a
/// few bricks at a time. Refers to tree and bricks.
class BrickInputs {
public:
    BrickInputs(const FeatureOctree& tree, std::span<const geom::Vec3f> points, int octave, const BrickSet& bricks);
    /// With one cell of the neighbours around, zeros where no brick of the set is. From several threads.
    /// @param to [count, 10, 10, 10, kSplatChannels + channels]
    void operator()(std::int64_t first, std::int64_t count, float* to) const;

private:
    const FeatureOctree& tree_;
    const BrickSet& bricks_;
    int octave_;
    std::unique_ptr<float[]> moments_;  ///< [N, 8, 8, 8, kSplatChannels]
};

/// Features of the octave before (coarser ones where it has none), upsampled to bricks of an octave as
/// upsample_octave() does. @param to [N, 8, 8, 8, channels]
void brick_context(const FeatureOctree& tree, int octave, std::span<const geom::Vec3i> bricks, std::span<float> to);

/// The receptive field of the fine U-Net reaches 17 cells beyond a brick.
inline constexpr int kHaloBricks = 3;
/// Bricks that are computed together: those that are kept, then the others by their distance from these.
struct BrickGroup {
    std::vector<geom::Vec3i> bricks;
    std::array<std::int64_t, kHaloBricks + 1> within{};  ///< bricks within 0, 1, ... bricks of those that are kept
};
/// What computing a group takes, in bricks of kBytesPerBrick.
double group_bricks_in_memory(const BrickGroup& group);
inline constexpr double kBytesPerBrick = 130e3;
/// Splits the bricks of an octave into groups of at most `most` bricks in memory, halo included, as long as they are
/// larger than 4^3 bricks. Every brick is kept by one group. What a group computes for them is what the whole set
/// would. @param cores  only bricks of this box are kept
std::vector<BrickGroup> group_bricks(const FeatureOctree& tree, int octave, std::size_t most, const BrickBox& cores);

}  // namespace nir::models
