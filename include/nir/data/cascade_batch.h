// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/cascade_samples.h"

#include <span>

namespace nir::nn {
struct Batch;
}

namespace nir::data {

/// Stacks samples for a training step. Octave o has M(o) members, the samples that reach it, in their order:
///   "o.moments" [M,kSplatChannels,n,n,n], "o.queries" [M,Q,3], "o.occupancy" [M,Q], "o.inside" [M,Q] bool;
///   "0.openness" [M,kOpennessChannels,n,n,n]; for o > 0 "o.parent" [M] i64, the row among the members of octave o - 1,
///   and "o.offset" [M,3] i64, (x, y, z) of the window in its parent window.
/// @throws nir::Error (internal) if there is no sample.
nn::Batch cascade_batch(std::span<const CascadeSample> samples);

}  // namespace nir::data
