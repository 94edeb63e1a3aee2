// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/cascade_samples.h"
#include "nir/nn/batch.h"

#include "models/cascade/cascade_net.h"

namespace nir::models {

/// Figures of one batch, per octave.
struct CascadeLossReport {
    std::vector<double> loss;         ///< mean binary cross entropy
    std::vector<double> iou;          ///< intersection over union of logit > 0 and the exact label, at the query points
    std::vector<std::int64_t> count;  ///< samples that have this octave
};

/// Binary cross entropy with soft occupancy labels, averaged over query points, summed over octaves. Windows follow
/// each other as in inference: features of the parent window, cropped, upsampled, are the context of the child.
/// @param batch of data::cascade_batch()
torch::Tensor cascade_loss(CascadeNet& net, const nn::Batch& batch, CascadeLossReport* report);
torch::Tensor cascade_loss(CascadeNet& net, const std::vector<data::CascadeSample>& batch, CascadeLossReport* report);

}  // namespace nir::models
