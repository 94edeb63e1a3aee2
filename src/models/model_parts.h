// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"
#include "nir/nn/point_function.h"

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string_view>

namespace nir::models {

/// A table [model]: the name in the registry, then the options.
Config named_config(std::string_view name, const Config& options);

/// Intersection over union of a training batch: inside where the logit reaches `threshold` (a probability), true where
/// the occupancy is at least 0.5; 1 if both are empty.
double batch_iou(const torch::Tensor& logits, const torch::Tensor& occupancies, double threshold);

/// The field of an occupancy network in the cube of side 1 + padding around 0; its level is the logit of `threshold`.
/// @param logits  as TorchField takes it
std::unique_ptr<extract::ScalarField> occupancy_field(std::function<torch::Tensor(const torch::Tensor&)> logits,
                                                      double padding, double threshold);
/// The same of a folded decoder.
std::unique_ptr<extract::ScalarField> occupancy_field(std::shared_ptr<const nn::PointFunction> logits, double padding,
                                                      double threshold);

}  // namespace nir::models
