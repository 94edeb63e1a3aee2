// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The layers of CascadeUnet on bricks of cells, with gradients: what training runs. Volumes are
// [N, side, side, side, channels] f32 on the CPU, a row per brick. All are deterministic whatever the number of
// threads.
#pragma once

#include "models/cascade/brick_set.h"

#include <torch/torch.h>

#include <vector>

namespace nir::models {

/// The bricks of a batch of volumes that are computed; bricks of different volumes are no neighbours.
class BatchBricks : public torch::CustomClassHolder {
public:
    struct Place {
        std::int64_t sample;
        geom::Vec3i brick;
    };

    BatchBricks(std::vector<Place> places, std::vector<geom::Vec3i> apart)
        : places_(std::move(places)), set_(std::move(apart)) {}
    const std::vector<Place>& places() const { return places_; }
    const BrickSet& set() const { return set_; }

private:
    std::vector<Place> places_;
    BrickSet set_;
};
using BatchBricksPtr = c10::intrusive_ptr<BatchBricks>;

/// The bricks of volumes [B, ., D, H, W] where a mask is 1, or all. @param mask [B, 1, D, H, W] f32 or undefined
/// @return null if sides are no multiples of kBrickCells or the mask is not the same all over each brick.
BatchBricksPtr batch_bricks(torch::IntArrayRef sizes, const torch::Tensor& mask);

/// Volumes [B, C, D, H, W] -> [N, 8, 8, 8, C].
torch::Tensor gather_bricks(const torch::Tensor& volumes, const BatchBricksPtr& bricks);
/// [N, 8, 8, 8, C] -> volumes [batch, C, D, H, W] of these sizes, zeros where there is no brick.
torch::Tensor scatter_bricks(const torch::Tensor& x, const BatchBricksPtr& bricks, torch::IntArrayRef sizes);
/// relu(3^3 convolution); zeros around the bricks. @param weight [out, in, 3, 3, 3]
/// @param fixed  channels in front of those of x that get no gradient, or undefined
torch::Tensor brick_conv_relu(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                              const BatchBricksPtr& bricks, const torch::Tensor& fixed = {});
/// The mean of each 2^3 cells.
torch::Tensor brick_pool(const torch::Tensor& x);
/// x with each cell of `coarser` added to the 2^3 cells below it.
torch::Tensor brick_add_nearest(const torch::Tensor& x, const torch::Tensor& coarser);

}  // namespace nir::models
