// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/residual_mlp.h"

#include "models/cascade/brick_unet.h"
#include "models/cascade/cascade_config.h"

#include <memory>

namespace nir::models {

/// The networks of the cascade (cascade_net.h) packed for inference, free of torch.
struct CascadeKernels {
    CascadeConfig config;
    BrickUnet coarse, fine;
    kernels::ResidualMlp decoder;

    CascadeKernels(const CascadeConfig& config, const WeightSource& weights);
};
using CascadeKernelsPtr = std::shared_ptr<const CascadeKernels>;

}  // namespace nir::models
