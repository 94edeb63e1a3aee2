// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/r2n2/r2n2.h"

#include "nir/base/error.h"
#include "nir/nn/batch.h"
#include "nir/nn/seeded.h"
#include "nir/nn/torch_guard.h"

#include "models/model_parts.h"
#include "models/observation_tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace nir::models {

using torch::Tensor;

void R2n2Config::describe(ConfigVisitor& v) {
    v.field("c_dim", c_dim, {.min = 1, .max = 65536}, "length of the code of the observation");
    v.field("resolution", resolution, {.min = 8, .max = 1024, .unit = "cells"},
            "cells per side: a power of two (the papers' code has 32)");
    v.check(std::has_single_bit(static_cast<std::uint64_t>(std::max<std::int64_t>(resolution, 1))), "resolution",
            "must be a power of two");
    v.field("threshold", threshold, {.max = 0.999999, .above = 0},
            "probability at which the IoU of training counts a cell as filled; meshes are cut at 0.5");
    v.field("image_size", image_size, {.min = 0, .max = 8192, .unit = "pixels"},
            "images are resized and cropped to squares of this side; 0 = taken as they are");
    v.table("encoder", encoder, "observation to code");
}

R2n2ModuleImpl::R2n2ModuleImpl(const R2n2Config& config) {
    decoder = register_module("decoder", nn::VoxelDecoder(config.c_dim, config.resolution));
    encoder = register_module("encoder", nn::make_global_encoder(config.encoder, {.c_dim = config.c_dim, .z_dim = 0}));
}

Config R2n2::config() const { return named_config(name(), to_config(config_)); }

at::Tensor R2n2::loss(const nn::Batch& batch, const LossLog& log) {
    const Tensor& voxels = batch.at("voxels");
    const Tensor logits = net_(batch.at("observation")).squeeze(1);
    NIR_CHECK(voxels.sizes() == logits.sizes());
    if (log) log("iou", batch_iou(logits, voxels, config_.threshold));
    return torch::binary_cross_entropy_with_logits(logits, voxels);
}

Shape R2n2::infer(const Observation& observation) {
    const Tensor input = observation_tensor(observation, takes(), config_.image_size);
    geom::VoxelGrid grid;
    const auto r = static_cast<std::int32_t>(config_.resolution);
    const double cell = 1.0 / r;
    grid.size = {r, r, r};
    grid.spacing = {cell, cell, cell};
    grid.origin = {-0.5 + cell / 2, -0.5 + cell / 2, -0.5 + cell / 2};
    nn::torch_guard("making the voxels", [&] {
        const torch::NoGradGuard no_grad;
        const nn::EvalScope eval(*net_);
        const Tensor p = torch::sigmoid(net_(input)).contiguous();
        grid.values.assign(p.data_ptr<float>(), p.data_ptr<float>() + p.numel());
    });
    return grid;
}

}  // namespace nir::models
