// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/dataset.h"
#include "nir/data/training_data.h"

namespace nir::data {

/// The training set "dataset".
std::unique_ptr<TrainingData> make_dataset_data(const DatasetConfig& config, const TrainingDataOptions& options);

}  // namespace nir::data
