// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/picture_samples.h"
#include "nir/data/training_data.h"

namespace nir::data {

/// The training set "pictures". Batches, all f32: "observation" [B,3,H,W]; "origins", "directions", "rgb" [B,N,3] and
/// "object" [B,N] as ViewSample has them; "freespace", "occupied" [B,N,3] unless `surface`; where they are asked for
/// "depth" [B,N], "shape" [B,points,3], "normals" [B,N,3]; below lamps "shadow" [B,N] and "lamp" [B,3].
std::unique_ptr<TrainingData> make_picture_data(const PictureDataConfig& config, const TrainingDataOptions& options);

}  // namespace nir::data
