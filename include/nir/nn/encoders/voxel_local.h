// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/map_encoder.h"

namespace nir::nn {

struct VoxelLocalConfig : MapConfig {
    void describe(ConfigVisitor& v);
};

/// Voxels to maps: one 3-D convolution and ReLU make a feature of each voxel, which is averaged into planes and the
/// volume like that of a point. Voxel i of n sits at -0.5 + i / (n - 1), not at the centre of its cell, as in the
/// papers' code. State: conv_in, [unet.*], [unet3d.*].
/// Ref: convonet2020 §4.1 (voxel super-resolution); LocalVoxelEncoder of the papers' code. Deviation: planes beside a
/// volume are made too, where the papers' code ignores them.
class VoxelLocalImpl : public MapEncoder {
public:
    VoxelLocalImpl(const VoxelLocalConfig& config, const LocalDims& dims);
    ObservationKind takes() const override { return ObservationKind::voxels; }
    /// @param voxels [B,X,Y,Z], any size
    FeatureMaps encode(const torch::Tensor& voxels) override { return forward(voxels); }
    FeatureMaps forward(const torch::Tensor& voxels, MapTrace* trace = nullptr);

private:
    torch::nn::Conv3d conv_in_{nullptr};
};
TORCH_MODULE(VoxelLocal);

}  // namespace nir::nn
