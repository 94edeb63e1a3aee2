// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_model.h"

#include "models/cascade/cascade_encode.h"
#include "models/cascade/cascade_loss.h"
#include "models/model_parts.h"

namespace nir::models {

Config CascadeModel::config() const { return named_config(name(), to_config(config_)); }

at::Tensor CascadeModel::loss(const nn::Batch& batch, const LossLog& log) {
    CascadeLossReport report;
    at::Tensor total = cascade_loss(net_, batch, log ? &report : nullptr);
    for (std::size_t o = 0; o < report.loss.size(); ++o) {
        log(fmt::format("loss_octave_{}", o), report.loss[o]);
        log(fmt::format("iou_octave_{}", o), report.iou[o]);
    }
    return total;
}

Shape CascadeModel::infer(const Observation& observation) {
    expect_kind(observation, ObservationKind::points);
    NoProgress quiet;
    return encode_cascade(kernels_of(net_), std::get<geom::PointCloud>(observation), quiet);
}

}  // namespace nir::models
