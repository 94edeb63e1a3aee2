// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/onet/onet.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/nn/batch.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/model_parts.h"
#include "models/observation_tensor.h"

namespace nir::models {

using torch::Tensor;

void OnetConfig::describe(ConfigVisitor& v) {
    v.field("c_dim", c_dim, {.min = 0, .max = 65536}, "length of the code of the observation; 0 = none");
    v.field("z_dim", z_dim, {.min = 0, .max = 65536}, "length of the latent code that can be drawn; 0 = none");
    v.field("padding", padding, {.min = 0, .max = 10, .unit = "relative to the unit cube"},
            "shapes lie in the cube of side 1 + padding");
    v.field("threshold", threshold, {.max = 0.999999, .above = 0}, "probability of the surface");
    v.field("image_size", image_size, {.min = 0, .max = 8192, .unit = "pixels"},
            "images are resized and cropped to squares of this side; 0 = taken as they are");
    v.table("encoder", encoder, "observation to code");
    v.table("decoder", decoder, "codes and points to logits");
    v.table("latent", latent, "what guesses the latent code in training, if z_dim > 0");
    const bool null_encoder = encoder.name() == "null";
    v.check(null_encoder == (c_dim == 0), "c_dim",
            null_encoder ? "must be 0 with the encoder \"null\"" : "0 needs the encoder \"null\"");
    v.check(c_dim > 0 || !decoder.name().starts_with("cbatchnorm"), "decoder",
            "is conditional on a code; without one (c_dim = 0) use \"simple\" or \"batchnorm\"");
}

OnetModuleImpl::OnetModuleImpl(const OnetConfig& config) {
    const nn::GlobalDims dims{.c_dim = config.c_dim, .z_dim = config.z_dim};
    decoder = register_module("decoder", nn::make_global_decoder(config.decoder, dims));
    if (config.z_dim > 0)
        encoder_latent =
            register_module("encoder_latent", nn::LatentEncoder(config.latent, config.z_dim, config.c_dim));
    encoder = register_module("encoder", nn::make_global_encoder(config.encoder, dims));
}

Onet::Onet(const OnetConfig& config) : config_(config), net_(config) {}

Config Onet::config() const { return named_config(name(), to_config(config_)); }

namespace {

/// Training data of another kind than the encoder takes: a sentence instead of a complaint about shapes.
const Tensor& observation_in(const nn::Batch& batch, ObservationKind kind) {
    if (kind == ObservationKind::none) return batch.at("points");
    const Tensor& t = batch.at("observation");
    const auto fits = [&] {
        switch (kind) {
            case ObservationKind::points:
                return t.dim() == 3 && t.size(2) == 3;
            case ObservationKind::voxels:
                return t.dim() == 4;
            case ObservationKind::image:
                return t.dim() == 4 && t.size(1) == 3;
            case ObservationKind::index:
                return t.dim() == 1 && t.scalar_type() == torch::kInt64;
            case ObservationKind::none:
                break;
        }
        return true;
    };
    if (!fits())
        fail(ErrorKind::config, "this model takes {}, the training data gives arrays [{}]; choose another [data]",
             nn::describe(kind), fmt::join(t.sizes(), ", "));
    return t;
}

}  // namespace

at::Tensor Onet::loss(const nn::Batch& batch, const LossLog& log) {
    const Tensor &points = batch.at("points"), &occupancies = batch.at("occupancies");
    const Tensor c = net_->encoder->encode(observation_in(batch, takes()));
    Tensor z = torch::empty({points.size(0), 0}), kl;
    if (generative()) {
        const nn::LatentDistribution q = net_->encoder_latent(points, occupancies, c);
        std::optional<nn::SeededScope> fixed;
        if (!net_->is_training()) fixed.emplace(0);
        z = q.sample();
        kl = q.kl().mean();
    }
    const Tensor logits = net_->decoder->decode(points, z, c);
    const Tensor bce = torch::binary_cross_entropy_with_logits(logits, occupancies, {}, {}, at::Reduction::None);
    if (log) {
        log("iou", batch_iou(logits, occupancies, config_.threshold));
        if (kl.defined()) log("kl", kl.item<double>());
    }
    const Tensor reconstruction = bce.sum(1).mean();
    return kl.defined() ? reconstruction + kl : reconstruction;
}

Onet::Codes Onet::encode(const ShapeSource& source) {
    if (source.seed && !generative())
        fail(ErrorKind::usage, "this model has no latent code to draw with a seed (z_dim = 0)");
    const Tensor observation = observation_tensor(source.observation, takes(), config_.image_size);
    Codes codes;
    codes.z = torch::zeros({1, config_.z_dim});
    if (source.seed) {
        Rng rng(*source.seed);
        for (std::int64_t i = 0; i < config_.z_dim; ++i) codes.z[0][i] = static_cast<float>(rng.normal());
    }
    nn::torch_guard("encoding the observation", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        codes.c = net_->encoder->encode(observation);
    });
    return codes;
}

Shape Onet::decode(const Codes& codes) {
    nn::GlobalDecoder::ShapeFunction logits;
    nn::torch_guard("preparing the decoder", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        logits = net_->decoder->fold(codes.z, codes.c);
    });
    return occupancy_field(std::move(logits), config_.padding, config_.threshold);
}

Shape Onet::sample(const ShapeSource& source) { return decode(encode(source)); }

Shape Onet::interpolate(const ShapeSource& a, const ShapeSource& b, double t) {
    const Codes from = encode(a), to = encode(b);
    return decode({torch::lerp(from.z, to.z, t), torch::lerp(from.c, to.c, t)});
}

}  // namespace nir::models
