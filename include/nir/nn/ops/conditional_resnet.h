// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/ops/conditional_norm.h"

#include <vector>

namespace nir::nn {

/// What a stack of residual blocks with conditional batch normalisation is made of. n blocks have 2 n layers and
/// L = 2 n + 1 normalisations: one in front of each layer, one in front of the output.
struct ConditionalResnet {
    std::vector<torch::Tensor> weights;      ///< 2 n of [F,F], n >= 1
    std::vector<torch::Tensor> biases;       ///< 1 + 2 n of [F]: of what made x, then of the layers; see below
    std::vector<torch::Tensor> gamma, beta;  ///< L each of [B,F]
    torch::Tensor out_weight, out_bias;      ///< [F], [1]
    double eps = 1e-5;
};

/// The decoder of Occupancy Networks behind its first layer, in training mode, as one operation:
///     n times:  x = x + W_1 relu(cbn_1(W_0 relu(cbn_0(x)) + b_0)) + b_1;     logits = out_weight · relu(cbn(x)) + bias
/// with cbn as in conditional_norm.h. Rows pass through a layer in tiles that stay in the second-level cache: between
/// two layers every feature is written once and read once, and what follows from it (normalised features, their sums)
/// is made on the way; as separate operations that is five to seven passes over the memory forward and a dozen
/// backward. Biases b are not computed with: the normalisation behind them takes them out again. They appear in the
/// statistics, and their gradient is 0 (as separate operations: rounding errors around 0).
/// @param x [B,T,F] f32 or f64, CPU, B T >= 1, *without* biases[0]
/// @param statistics  receives mean and variance in front of each normalisation, L of them.
/// @return [B,T]; differentiable once in x and every tensor of the network. Sums have a fixed order, tiles do not
///         depend on the number of threads, each is computed by one thread: the same bits with any number of threads.
torch::Tensor conditional_resnet(const torch::Tensor& x, const ConditionalResnet& network,
                                 std::vector<ChannelStatistics>& statistics);

}  // namespace nir::nn
