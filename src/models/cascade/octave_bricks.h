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
std::vector<char> active_bricks(const FeatureOctree& tree, std::span<const geom::Vec3f> points, int octave,
                                const std::function<at::Tensor(const at::Tensor&)>& decode);

/// Local statistics of the points on the bricks of an octave. @return [N, kSplatChannels, 8, 8, 8] f32
at::Tensor brick_moments(const FeatureOctree& tree, std::span<const geom::Vec3f> points, int octave);

/// Features of the octave before (coarser ones where it has none), upsampled to the bricks of an octave as
/// upsample_octave() does. @return [N, channels, 8, 8, 8] f32
at::Tensor brick_context(const FeatureOctree& tree, int octave);

}  // namespace nir::models
