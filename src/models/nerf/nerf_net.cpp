// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/nerf/nerf_net.h"

#include <cmath>

namespace nir::models {

using torch::Tensor;

void NerfConfig::describe(ConfigVisitor& v) {
    v.field("depth", depth, {.min = 1, .max = 64}, "layers that the density sees");
    v.field("width", width, {.min = 2, .max = 4096}, "width of these layers");
    v.field("skip", skip, {.min = -1, .max = 63}, "layer after which the input comes in again (-1: never)");
    v.field("position_octaves", position_octaves, {.min = 0, .max = 24}, "sines of the position, a coordinate");
    v.field("direction_octaves", direction_octaves, {.min = 0, .max = 24}, "sines of the direction, a coordinate");
    v.field("view_directions", view_directions, "colours depend on the viewing direction");
    v.field("outputs", outputs, {.min = 4, .max = 5}, "values of the last layer without view directions");
    v.check(skip < depth - 1, "skip", "must be below depth - 1");
}

Tensor positional_encoding(const Tensor& x, int octaves) {
    std::vector<Tensor> parts{x};
    for (int k = 0; k < octaves; ++k) {
        const Tensor scaled = x * std::ldexp(1.0, k);
        parts.push_back(scaled.sin());
        parts.push_back(scaled.cos());
    }
    return torch::cat(parts, -1);
}

NerfNetImpl::NerfNetImpl(const NerfConfig& config) : config_(config) {
    const std::int64_t width = config.width, in = 3 + 6 * config.position_octaves;
    const std::int64_t directions = config.view_directions ? 3 + 6 * config.direction_octaves : 0;
    register_module("pts_linears", points_);
    register_module("views_linears", views_);
    for (int i = 0; i < config.depth; ++i) {
        const std::int64_t before = i == 0 ? in : i == config.skip + 1 ? width + in : width;
        points_->push_back(torch::nn::Linear(before, width));
    }
    views_->push_back(torch::nn::Linear(directions + width, width / 2));
    if (config.view_directions) {
        feature_ = register_module("feature_linear", torch::nn::Linear(width, width));
        density_ = register_module("alpha_linear", torch::nn::Linear(width, 1));
        color_ = register_module("rgb_linear", torch::nn::Linear(width / 2, 3));
    } else {
        output_ = register_module("output_linear", torch::nn::Linear(width, config.outputs));
    }
}

Tensor NerfNetImpl::forward(const Tensor& points, const Tensor& directions) {
    const Tensor in = positional_encoding(points, config_.position_octaves);
    Tensor h = in;
    for (int i = 0; i < config_.depth; ++i) {
        h = points_[static_cast<std::size_t>(i)]->as<torch::nn::Linear>()->forward(h).relu();
        if (i == config_.skip) h = torch::cat({in, h}, -1);
    }
    if (!config_.view_directions) return output_(h);
    const Tensor seen = torch::cat({feature_(h), positional_encoding(directions, config_.direction_octaves)}, -1);
    return torch::cat({color_(views_[0]->as<torch::nn::Linear>()->forward(seen).relu()), density_(h)}, -1);
}

}  // namespace nir::models
