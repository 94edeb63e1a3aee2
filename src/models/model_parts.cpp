// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/model_parts.h"

#include "models/point_field.h"
#include "models/torch_field.h"

#include <cmath>

namespace nir::models {

Config named_config(std::string_view name, const Config& options) {
    Config named(Config::Table{});
    named.put("name", Config(std::string(name)));
    named.merge(options);
    return named;
}

double batch_iou(const torch::Tensor& logits, const torch::Tensor& occupancies, double threshold) {
    const torch::NoGradGuard no_grad;
    const torch::Tensor inside = logits >= std::log(threshold / (1 - threshold));
    const torch::Tensor truth = occupancies >= 0.5;
    const double both = (inside & truth).sum().item<double>(), either = (inside | truth).sum().item<double>();
    return either > 0 ? both / either : 1.0;
}

namespace {

/// Where the field lives, and its level.
struct Place {
    geom::Box3f domain;
    float iso;
    Place(double padding, double threshold) : iso(static_cast<float>(std::log(threshold / (1 - threshold)))) {
        const auto half = static_cast<float>((1 + padding) / 2);
        domain = {{-half, -half, -half}, {half, half, half}};
    }
};

}  // namespace

std::unique_ptr<extract::ScalarField> occupancy_field(std::function<torch::Tensor(const torch::Tensor&)> logits,
                                                      double padding, double threshold) {
    const Place place(padding, threshold);
    return std::make_unique<TorchField>(std::move(logits), place.domain, place.iso);
}

std::unique_ptr<extract::ScalarField> occupancy_field(std::shared_ptr<const nn::PointFunction> logits, double padding,
                                                      double threshold) {
    const Place place(padding, threshold);
    return std::make_unique<PointField>(std::move(logits), place.domain, place.iso);
}

}  // namespace nir::models
