// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"

#include <torch/torch.h>

namespace nir::models {

/// An observation as encoders take it, with a batch of one: points [1,N,3]; voxels [1,X,Y,Z]; image [1,3,S,S];
/// index [1] int64; none [1,0].
/// @param image_size  S. A picture of another size is made smaller or larger (geom::resize_to_square, as data sets
///        do it), which is logged; 0 = taken as it is.
/// @throws nir::Error (input) for an observation of another kind, an empty one, or values that are not finite.
torch::Tensor observation_tensor(const Observation& observation, ObservationKind wanted, std::int64_t image_size);

}  // namespace nir::models
