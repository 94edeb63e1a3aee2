// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/dvr/dvr_model.h"

#include "nir/base/error.h"
#include "nir/nn/batch.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/dvr/dvr_march.h"
#include "models/model_parts.h"
#include "models/observation_tensor.h"

#include <cmath>

namespace nir::models {

using torch::Tensor;

namespace {

constexpr int kMarchStride = 4;     ///< of the march while learning
constexpr double kStartSlope = 10;  ///< of the logit of the first ball, per side of the cube

}  // namespace

void DvrConfig::describe(ConfigVisitor& v) {
    v.field("padding", padding, {.min = 0, .max = 10, .unit = "relative to the unit cube"},
            "rays are followed through the cube of side 1 + padding");
    v.field("threshold", threshold, {.max = 0.999999, .above = 0}, "probability of the surface");
    v.field("image_size", image_size, {.min = 0, .max = 8192, .unit = "pixels"},
            "images for the encoder are resized and cropped to squares of this side; 0 = taken as they are");
    v.table("encoder", encoder, "image to code; null: one object");
    v.table("decoder", decoder, "point and code to occupancy and colour");
    v.field("start_radius", start_radius, {.min = 0, .max = 0.5, .unit = "sides of the cube"},
            "every object starts as a ball of this radius; 0 = as torch draws it");
    v.field("march_steps", march_steps, {.min = 2, .max = 4096}, "samples along a ray in search of the surface");
    v.field("faithful", faithful,
            "as the papers' code: slopes below 1e-3 lose their sign, normals are differences, no ball to start with");
    v.field("rgb_weight", rgb_weight, {.min = 0}, "of the colours' absolute difference");
    v.field("depth_weight", depth_weight, {.min = 0}, "of the depths' absolute difference, in sides of the cube");
    v.field(
        "sparse_depth_weight", sparse_depth_weight, {.min = 0},
        "of the depths' absolute difference at points of structure from motion (data.sparse), in sides of the cube");
    v.field("normal_weight", normal_weight, {.min = 0}, "of the turn of normals between neighbours");
    v.field("freespace_weight", freespace_weight, {.min = 0}, "of rays that pass the object");
    v.field("occupancy_weight", occupancy_weight, {.min = 0}, "of rays that miss the object and should not");
    const bool null_encoder = encoder.name() == "null";
    v.check(null_encoder == (decoder.c_dim == 0), "decoder",
            null_encoder ? "c_dim must be 0 with the encoder \"null\"" : "c_dim = 0 needs the encoder \"null\"");
}

DvrModuleImpl::DvrModuleImpl(const DvrConfig& config) {
    decoder = register_module("decoder", DvrDecoder(config.decoder));
    if (config.decoder.c_dim > 0)
        encoder = register_module("encoder",
                                  nn::make_global_encoder(config.encoder, {.c_dim = config.decoder.c_dim, .z_dim = 0}));
    if (config.start_radius > 0 && !config.faithful) decoder->start_as_ball(config.start_radius, kStartSlope);
}

Dvr::Dvr(const DvrConfig& config) : config_(config), net_(config) {}

Config Dvr::config() const { return named_config(name(), to_config(config_)); }

at::Tensor Dvr::loss(const nn::Batch& batch, const LossLog& log) {
    const DvrRays rays{batch.at("origins"), batch.at("directions")};
    const Tensor code =
        net_->encoder ? net_->encoder->encode(batch.at("observation")) : torch::zeros({rays.origins.size(0), 0});
    DvrMarch march;
    march.steps = config_.march_steps, march.padding = config_.padding;
    march.stride = config_.faithful ? 1 : kMarchStride;
    march.level = static_cast<float>(std::log(config_.threshold / (1 - config_.threshold)));
    const Tensor first = first_surface(net_->decoder, code.detach(), rays, march);
    DvrWeights w;
    w.rgb = config_.rgb_weight, w.depth = config_.depth_weight, w.normal = config_.normal_weight;
    w.freespace = config_.freespace_weight, w.occupancy = config_.occupancy_weight;
    w.exact_normals = !config_.faithful;
    DvrTargets targets{batch.at("rgb"), batch.at("object") > 0.5, {}};
    if (w.depth > 0) {
        if (!batch.tensors.contains("depth"))
            fail(ErrorKind::config, "model.depth_weight needs [data] name = \"pictures\" with depth = true");
        targets.depth = batch.at("depth");
    }
    std::optional<DvrSparse> sparse;
    if ((w.sparse_depth = config_.sparse_depth_weight) > 0) {
        if (!batch.tensors.contains("sparse_depth"))
            fail(ErrorKind::config, "model.sparse_depth_weight needs [data] name = \"views\" with sparse above 0");
        const DvrRays through{batch.at("sparse_origins"), batch.at("sparse_directions")};
        sparse =
            DvrSparse{through, first_surface(net_->decoder, code.detach(), through, march), batch.at("sparse_depth")};
    }
    DvrSamples samples{batch.at("freespace"), batch.at("occupied"), {}};
    // Figures of held-out pictures do not depend on torch's generator.
    std::optional<nn::SeededScope> fixed;
    if (!net_->is_training()) fixed.emplace(0);
    const DvrLoss loss = dvr_loss(net_->decoder, code, rays, first, samples, targets,
                                  config_.faithful ? SlopeRule::positive : SlopeRule::keep_sign, w, sparse);
    if (log) {
        log("mask_iou", loss.mask_iou);
        if (std::isfinite(loss.rgb_mse)) log("psnr", -10 * std::log10(std::max(loss.rgb_mse, 1e-12)));
    }
    return loss.total;
}

Tensor Dvr::code_of(const Observation& observation) {
    if (!net_->encoder) {
        expect_kind(observation, ObservationKind::none);
        return torch::empty({0});
    }
    const Tensor image = observation_tensor(observation, takes(), config_.image_size);
    Tensor code;
    nn::torch_guard("encoding the picture", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        code = net_->encoder->encode(image)[0];
    });
    return code;
}

Shape Dvr::infer(const Observation& observation) {
    const Tensor code = code_of(observation);
    return decoder_field(net_->decoder, code, config_.padding, config_.threshold);
}

}  // namespace nir::models
