// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/train_validation.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/extract/extract_mesh.h"
#include "nir/geom/metrics.h"
#include "nir/geom/rasterizer.h"
#include "nir/nn/batch.h"
#include "nir/nn/torch_guard.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
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

double iou(const extract::ScalarField& field, const std::vector<geom::Vec3f>& points,
           const std::vector<std::uint8_t>& truth) {
    std::vector<float> values(points.size());
    field.values(points, values);
    std::vector<std::uint8_t> inside(points.size());
    const float level = field.iso();
    std::ranges::transform(values, inside.begin(), [=](float v) { return static_cast<std::uint8_t>(v > level); });
    const double both = geom::intersection_over_union(inside, truth);
    return std::isnan(both) ? 1.0 : both;  // neither holds anything here: they agree
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
        const auto field = models::infer_field(model, observation_of(s, model.takes()));
        means.add("validation_iou", iou(*field, s.uniform, s.uniform_inside));
        means.add("validation_iou_near", iou(*field, s.near, s.near_inside));
    }
    return means.figures();
}

geom::Image8 Validator::picture(models::Model& model, std::size_t index, Progress& progress) {
    ask(progress);
    const data::LabelledScan& shown = scan(index);
    const bool conditional = model.takes() != models::ObservationKind::none;
    const geom::PointCloud cloud = conditional ? cloud_of(shown) : geom::PointCloud{};
    models::ShapeSource source{observation_of(shown, model.takes()), {}};
    if (model.generative()) source.seed = index;
    const auto field = models::sample_field(model, source);
    extract::ExtractOptions options;
    options.upsampling = 2;
    options.resolution_0 = std::max(config_.preview_cells / 4, 4);
    options.refine_steps = 2;
    const extract::ExtractResult result = extract::extract_mesh(*field, options);
    geom::RenderOptions view;
    view.width = view.height = 400;
    view.lights = 32;
    return geom::preview(cloud, result.mesh, view);
}

}  // namespace nir::pipeline
