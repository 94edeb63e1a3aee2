// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/conv_onet/conv_onet.h"

#include "nir/base/error.h"
#include "nir/nn/batch.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/torch_field.h"

#include <cmath>

namespace nir::models {

using torch::Tensor;

void ConvOnetConfig::describe(ConfigVisitor& v) {
    v.field("c_dim", c_dim, {.min = 1, .max = 4096}, "channels of the feature maps");
    v.field("padding", padding, {.min = 0, .max = 10, .unit = "relative to the unit cube"},
            "the maps cover the cube of side 1 + padding");
    v.field("threshold", threshold, {.max = 0.999999, .above = 0}, "probability of the surface");
    v.table("encoder", encoder, "observation to feature maps");
    v.table("decoder", decoder, "feature maps and points to logits");
}

ConvOnetModuleImpl::ConvOnetModuleImpl(const ConvOnetConfig& config) {
    const nn::LocalDims dims{.c_dim = config.c_dim, .padding = config.padding};
    encoder = register_module("encoder", nn::make_local_encoder(config.encoder, dims));
    decoder = register_module("decoder", nn::make_local_decoder(config.decoder, dims));
}

ConvOnet::ConvOnet(const ConvOnetConfig& config) : config_(config), net_(config) {}

Config ConvOnet::config() const {
    Config out = to_config(config_);
    Config named(Config::Table{});
    named.put("name", Config(std::string(name())));
    named.merge(out);
    return named;
}

at::Tensor ConvOnet::loss(const nn::Batch& batch, const LossLog& log) {
    const Tensor& occupancies = batch.at("occupancies");
    const Tensor logits = net_->decoder->decode(batch.at("points"), net_->encoder->encode(batch.at("observation")));
    const Tensor bce = torch::binary_cross_entropy_with_logits(logits, occupancies, {}, {}, at::Reduction::None);
    if (log) {
        const torch::NoGradGuard no_grad;
        const Tensor inside = logits >= std::log(config_.threshold / (1 - config_.threshold));
        const Tensor truth = occupancies >= 0.5;
        const double both = (inside & truth).sum().item<double>(), either = (inside | truth).sum().item<double>();
        log("iou", either > 0 ? both / either : 1.0);
    }
    return bce.sum(1).mean();
}

namespace {

/// [1,N,3] f32. Points are taken as they are: in the model's frame.
Tensor points_tensor(const geom::PointCloud& cloud) {
    Tensor t = torch::empty({1, static_cast<std::int64_t>(cloud.size()), 3}, torch::kFloat32);
    float* p = t.data_ptr<float>();
    for (std::size_t i = 0; i < cloud.size(); ++i) {
        if (!geom::is_finite(cloud.points[i])) fail(ErrorKind::input, "point {} of the observation is not finite", i);
        for (int k = 0; k < 3; ++k) *p++ = static_cast<float>(cloud.points[i][k]);
    }
    return t;
}

}  // namespace

Shape ConvOnet::infer(const Observation& observation) {
    expect_kind(observation, ObservationKind::points);
    const auto* cloud = std::get_if<geom::PointCloud>(&observation);
    if (cloud->empty()) fail(ErrorKind::input, "the observation holds no points");
    const Tensor points = points_tensor(*cloud);
    nn::FeatureMaps features;
    nn::torch_guard("encoding the observation", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        features = net_->encoder->encode(points);
    });
    const auto half = static_cast<float>((1 + config_.padding) / 2);
    const auto iso = static_cast<float>(std::log(config_.threshold / (1 - config_.threshold)));
    auto logits = [net = net_, features](const Tensor& p) mutable {
        const nn::EvalScope eval(*net);
        return net->decoder->decode(p, features);
    };
    const geom::Box3f domain{{-half, -half, -half}, {half, half, half}};
    return std::make_unique<TorchField>(std::move(logits), domain, iso);
}

}  // namespace nir::models
