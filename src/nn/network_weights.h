// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Weights of torch modules for the networks of kernels/residual_mlp.h.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace nir::nn {

/// Values of a float32 tensor in row-major order; empty for an undefined one.
inline std::vector<float> floats_of(const torch::Tensor& t) {
    if (!t.defined()) return {};
    const torch::Tensor c = t.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    return {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()};
}

}  // namespace nir::nn
