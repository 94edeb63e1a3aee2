// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

namespace nir::nn {

/// Mean and biased variance of each channel over batch and points.
struct ChannelStatistics {
    torch::Tensor mean, variance;  ///< [F] f64
};

/// Batch normalisation by the batch's own statistics, a modulation per shape and a ReLU, in one operation: two passes
/// over x forward, two backward, against seven and a dozen as separate operations.
/// relu(gamma[b] * (x - mean) / sqrt(variance + eps) + beta[b])
/// @param x [B,T,F] f32 or f64, CPU, B T >= 1  @param gamma, beta [B,F]
/// @param statistics  receives mean and variance.
/// @return [B,T,F]; differentiable in x, gamma and beta. Sums run per shape and then over shapes in double: the same
///         bits with any number of threads.
torch::Tensor conditional_norm_relu(const torch::Tensor& x, const torch::Tensor& gamma, const torch::Tensor& beta,
                                    double eps, ChannelStatistics& statistics);

}  // namespace nir::nn
