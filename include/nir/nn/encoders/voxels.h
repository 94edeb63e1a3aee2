// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/global_encoder.h"

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct VoxelEncoderConfig {
    std::int64_t resolution = 32;

    void describe(ConfigVisitor& v);
};

/// Five 3x3x3 convolutions (the last four of stride 2) and one linear layer on all that is left; no normalisation.
/// With coordinates, each voxel also brings its position, -0.5 … 0.5 from the first to the last along each axis.
/// State: conv_in, conv_0 … conv_3, fc. Ref: onet2019, VoxelEncoder and CoordVoxelEncoder of the papers' code.
class VoxelEncoderImpl : public GlobalEncoder {
public:
    VoxelEncoderImpl(const VoxelEncoderConfig& config, const GlobalDims& dims, bool with_coordinates);
    ObservationKind takes() const override { return ObservationKind::voxels; }
    torch::Tensor encode(const torch::Tensor& voxels) override { return forward(voxels); }
    /// @param voxels [B,R,R,R], index [x][y][z]. @throws nir::Error (input) for another resolution.
    torch::Tensor forward(const torch::Tensor& voxels);

private:
    VoxelEncoderConfig config_;
    bool with_coordinates_;
    torch::nn::Conv3d conv_in_{nullptr};
    std::vector<torch::nn::Conv3d> convs_;
    torch::nn::Linear fc_{nullptr};
};
TORCH_MODULE(VoxelEncoder);

}  // namespace nir::nn
