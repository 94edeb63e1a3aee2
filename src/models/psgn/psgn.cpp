// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/psgn/psgn.h"

#include "nir/base/error.h"
#include "nir/nn/batch.h"
#include "nir/nn/ops/chamfer.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/model_parts.h"
#include "models/observation_tensor.h"

namespace nir::models {

using torch::Tensor;

namespace {

constexpr const char* kCond = "psgn_cond";

struct PsgnCondConfig {
    void describe(ConfigVisitor&) {}
};

}  // namespace

std::span<const ConfigAlternative> psgn_encoder_alternatives() {
    static const std::vector<ConfigAlternative> all = [] {
        const auto rows = nn::global_encoder_alternatives();
        std::vector<ConfigAlternative> out(rows.begin(), rows.end());
        out.push_back(
            config_alternative<PsgnCondConfig>(kCond, "image of 256 x 192 pixels to a code and feature maps"));
        return out;
    }();
    return all;
}

void PsgnConfig::describe(ConfigVisitor& v) {
    v.field("c_dim", c_dim, {.min = 1, .max = 65536}, "length of the code of the observation");
    v.field("n_points", n_points, {.min = 1, .max = 1000000, .unit = "points"}, "size of the set that is made");
    v.field("image_size", image_size, {.min = 0, .max = 8192, .unit = "pixels"},
            "images are resized and cropped to squares of this side; 0 = taken as they are (psgn_cond always does)");
    v.table("encoder", encoder, "observation to code");
    v.choice("decoder", decoder, {{"simple", Decoder::simple}, {"psgn_2branch", Decoder::psgn_2branch}},
             "code to points: fully connected, or with a branch of up-convolutions (needs the encoder psgn_cond)");
    const bool two = decoder == Decoder::psgn_2branch;
    v.check(two == (encoder.name() == kCond), "decoder", "psgn_2branch and the encoder psgn_cond go together");
    v.check(!two || c_dim % 32 == 0, "c_dim", "must be a multiple of 32 for psgn_2branch");
    v.check(!two || n_points > nn::PsgnTwoBranchImpl::kConvPoints, "n_points", "must be above 768 for psgn_2branch");
}

PsgnModuleImpl::PsgnModuleImpl(const PsgnConfig& config) {
    if (config.decoder == PsgnConfig::Decoder::psgn_2branch) {
        two_branch_ = register_module("decoder", nn::PsgnTwoBranch(config.c_dim, config.n_points));
        cond_ = register_module("encoder", nn::PsgnCond(config.c_dim));
    } else {
        simple_ = register_module("decoder", nn::PsgnSimple(config.c_dim, config.n_points));
        encoder_ =
            register_module("encoder", nn::make_global_encoder(config.encoder, {.c_dim = config.c_dim, .z_dim = 0}));
    }
}

ObservationKind PsgnModuleImpl::takes() const { return encoder_ ? encoder_->takes() : ObservationKind::image; }

Tensor PsgnModuleImpl::forward(const Tensor& observation) {
    return encoder_ ? simple_(encoder_->encode(observation)) : two_branch_(cond_(observation));
}

Config Psgn::config() const { return named_config(name(), to_config(config_)); }

at::Tensor Psgn::loss(const nn::Batch& batch, const LossLog&) {
    return nn::chamfer_distance(net_(batch.at("observation")), batch.at("surface")).mean();
}

Shape Psgn::infer(const Observation& observation) {
    const bool as_it_is = config_.decoder == PsgnConfig::Decoder::psgn_2branch;
    const Tensor input = observation_tensor(observation, takes(), as_it_is ? 0 : config_.image_size);
    geom::PointCloud cloud;
    nn::torch_guard("making the points", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        const Tensor points = net_(input).contiguous();
        const float* p = points.data_ptr<float>();
        for (std::int64_t i = 0; i < points.size(1); ++i, p += 3) cloud.points.push_back({p[0], p[1], p[2]});
    });
    return cloud;
}

}  // namespace nir::models
