// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/training_data.h"
#include "nir/data/view_samples.h"

namespace nir::data {

/// The training set "views": a photo is a sample. Batches, all f32: "origins", "directions", "rgb", "freespace",
/// "occupied" [B,N,3], "object" [B,N], as ViewSample has them.
std::unique_ptr<TrainingData> make_view_data(const ViewDataConfig& config, const TrainingDataOptions& options);

}  // namespace nir::data
