// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <vector>

namespace nir::nn {

/// Weights of a PointNet of residual blocks 2 h -> h (nn/resnet_fc.h); all require gradients or none.
struct PointnetWeights {
    struct Block {
        torch::Tensor fc_0_weight, fc_0_bias;  ///< [h,2h], [h]
        torch::Tensor fc_1_weight, fc_1_bias;  ///< [h,h], [h]
        torch::Tensor shortcut_weight;         ///< [h,2h]
    };
    torch::Tensor fc_pos_weight, fc_pos_bias;  ///< [2h,3], [2h]
    std::vector<Block> blocks;                 ///< at least 1
};

/// x = block_0(fc_pos(points)), then x = block_i(cat(x, max over points of x)), in the end the maximum over the points,
/// as one operation that does less than the layers would:
/// * the maximum is the same for all points of a shape, so its half of a layer is computed once per shape;
/// * fc_pos and the shortcut of the first block, both linear, are one layer of three inputs;
/// * only points that hold a maximum somewhere above receive a gradient: backward works on those rows alone.
/// Nothing is approximated; sums differ in their order.
/// @param points [B,T,3] f32 or f64, CPU; zeros come out if T = 0
/// @return [B,h]; differentiable once in points and weights. At a tie the first point receives the gradient.
///         Ref: onet2019, ResnetPointnet of the papers' code.
torch::Tensor pointnet_resnet(const torch::Tensor& points, const PointnetWeights& weights);

}  // namespace nir::nn
