// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/training_data.h"
#include "nir/geom/image.h"
#include "nir/models/model.h"
#include "nir/pipeline/train_config.h"

#include "pipeline/train_run_folder.h"

namespace nir::pipeline {

/// What a training is judged by: held-out batches for the loss, held-out scans for the IoU, both always the same.
class Validator {
public:
    Validator(const TrainConfig& config, const data::TrainingData& data);

    /// "validation_loss" and the model's own figures over the batches; "validation_iou" and "validation_iou_near",
    /// means over the scans of the IoU at points in the box and near the surface. Makes its shapes at the first call.
    /// @throws nir::Error (cancelled) if progress says so.
    Figures validate(models::Model& model, Progress& progress);

    /// The scan beside the mesh that the model makes of it.
    geom::Image8 picture(models::Model& model, std::size_t scan, Progress& progress);
    std::size_t pictures() const { return static_cast<std::size_t>(config_.preview_scans); }

private:
    const data::LabelledScan& scan(std::size_t i);

    TrainConfig config_;
    const data::TrainingData& data_;
    std::vector<data::LabelledScan> scans_;
};

}  // namespace nir::pipeline
