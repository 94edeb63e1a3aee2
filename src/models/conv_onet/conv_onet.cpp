// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/conv_onet/conv_onet.h"

#include "nir/base/error.h"
#include "nir/nn/batch.h"
#include "nir/nn/decoders/local.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/model_parts.h"
#include "models/observation_tensor.h"

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
    if (encoder->makes() == nn::LocalFeatures::window)
        fail(ErrorKind::config, "encoder \"{}\" looks through a window: it belongs to the model conv_onet_crop",
             config.encoder.name());
    if (encoder->makes() != decoder->reads())
        fail(ErrorKind::config, "decoder \"{}\" does not read what encoder \"{}\" makes", config.decoder.name(),
             config.encoder.name());
}

ConvOnet::ConvOnet(const ConvOnetConfig& config) : config_(config), net_(config) {}

Config ConvOnet::config() const { return named_config(name(), to_config(config_)); }

at::Tensor ConvOnet::loss(const nn::Batch& batch, const LossLog& log) {
    const Tensor& occupancies = batch.at("occupancies");
    const Tensor logits = net_->decoder->decode(batch.at("points"), net_->encoder->encode(batch.at("observation")));
    const Tensor bce = torch::binary_cross_entropy_with_logits(logits, occupancies, {}, {}, at::Reduction::None);
    if (log) log("iou", batch_iou(logits, occupancies, config_.threshold));
    return bce.sum(1).mean();
}

Shape ConvOnet::infer(const Observation& observation) {
    const Tensor points = observation_tensor(observation, takes(), 0);
    nn::FeatureMaps features;
    std::shared_ptr<const nn::PointFunction> folded;
    nn::torch_guard("encoding the observation", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        features = net_->encoder->encode(points);
        if (auto* local = dynamic_cast<nn::LocalMlpImpl*>(net_->decoder.get())) folded = local->fold(features);
    });
    if (folded) return occupancy_field(std::move(folded), config_.padding, config_.threshold);
    auto logits = [net = net_, features](const Tensor& p) mutable {
        const nn::EvalScope eval(*net);
        return net->decoder->decode(p, features);
    };
    return occupancy_field(std::move(logits), config_.padding, config_.threshold);
}

}  // namespace nir::models
