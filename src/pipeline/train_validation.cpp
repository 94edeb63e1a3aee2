// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/train_validation.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/nn/batch.h"
#include "nir/nn/torch_guard.h"

#include "pipeline/shape_figures.h"

#include <torch/torch.h>

#include <map>

namespace nir::pipeline {
namespace {

geom::PointCloud cloud_of(const data::LabelledScan& scan) {
    geom::PointCloud cloud;
    for (const auto& p : scan.cloud) cloud.points.push_back(static_cast<geom::Vec3d>(p));
    return cloud;
}

/// What a model is given of the scan; one that takes nothing is shown nothing.
models::Observation observation_of(const data::LabelledScan& scan, models::ObservationKind kind) {
    using enum models::ObservationKind;
    if (kind == none) return {};
    if (scan.shown == voxels) return scan.voxels;
    if (scan.shown == image) return scan.image;
    if (scan.shown == index) return models::ShapeIndex{scan.index};
    return cloud_of(scan);
}

void ask(Progress& progress) {
    if (!progress.advance(0)) fail(ErrorKind::cancelled, "stopped while validating");
}

/// Means by name, each over the values that were given.
class Means {
public:
    void add(const std::string& name, double value) {
        auto& [sum, n] = sums_[name];
        sum += value, ++n;
    }
    Figures figures() const {
        Figures out;
        for (const auto& [name, s] : sums_) out.emplace_back(name, s.first / s.second);
        return out;
    }

private:
    std::map<std::string, std::pair<double, int>> sums_;
};

}  // namespace

Validator::Validator(const TrainConfig& config, const data::TrainingData& data) : config_(config), data_(data) {}

const data::LabelledScan& Validator::scan(std::size_t i) {
    while (scans_.size() <= i)
        scans_.push_back(data_.held_out_scan(scans_.size(), static_cast<std::size_t>(config_.validation_points)));
    return scans_[i];
}

Figures Validator::validate(models::Model& model, Progress& progress) {
    Means means;
    nn::torch_guard("validating", [&] {
        const torch::NoGradGuard no_grad;
        for (int b = 0; b < config_.validation_batches; ++b) {
            ask(progress);
            const auto first = static_cast<std::uint64_t>(b) * static_cast<std::uint64_t>(config_.batch_size);
            const nn::Batch batch = data_.held_out_batch(first, config_.batch_size);
            const models::LossLog log = [&](std::string_view name, double v) {
                means.add(fmt::format("validation_{}{}", name == "iou" ? "batch_" : "", name), v);
            };
            means.add("validation_loss", model.loss(batch, log).item<double>());
        }
    });
    // A model that is shown nothing has no scan to be right about; its figure is the loss.
    const int scans = model.takes() == models::ObservationKind::none ? 0 : config_.validation_scans;
    for (std::size_t i = 0; i < static_cast<std::size_t>(scans); ++i) {
        ask(progress);
        const data::LabelledScan& s = scan(i);
        for (const auto& [name, value] : shape_figures(model.infer(observation_of(s, model.takes())), s))
            means.add("validation_" + name, value);
    }
    return means.figures();
}

geom::Image8 Validator::picture(models::Model& model, std::size_t index, Progress& progress) {
    ask(progress);
    const data::LabelledScan& shown = scan(index);
    // What a model without an observation learns from may have points of its own to show.
    const bool show = model.takes() != models::ObservationKind::none || shown.shown == models::ObservationKind::none;
    const geom::PointCloud cloud = show ? cloud_of(shown) : geom::PointCloud{};
    models::ShapeSource source{observation_of(shown, model.takes()), {}};
    if (model.generative()) source.seed = index;
    geom::RenderOptions view;
    view.width = view.height = 400;
    view.lights = 32;
    return shape_picture(cloud, model.sample(source), config_.preview_cells, view);
}

}  // namespace nir::pipeline
