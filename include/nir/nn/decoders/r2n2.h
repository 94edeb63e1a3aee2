// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace nir::nn {

/// A code in, logits of a cube of voxels out: a fully connected layer to 4^3 cells of 256 channels, then transposed
/// convolutions that double the resolution, and a convolution of size 1.
/// State: fc_in, convtrp_0.., conv_out. Ref: choy2016 (decoder, without residual blocks); r2n2 Decoder of the papers'
/// code, which has 32 cells. Extension: further doublings keep 32 channels.
class VoxelDecoderImpl : public torch::nn::Module {
public:
    /// @param resolution cells per side: 8, 16, 32, 64, … @throws nir::Error (config) for another number.
    VoxelDecoderImpl(std::int64_t c_dim, std::int64_t resolution);
    /// @param code [B,c].  @return [B,1,R,R,R], index [x][y][z]
    torch::Tensor forward(const torch::Tensor& code);
    std::int64_t resolution() const { return resolution_; }

private:
    std::int64_t resolution_;
    torch::nn::Linear fc_in_{nullptr};
    std::vector<torch::nn::ConvTranspose3d> ups_;
    torch::nn::Conv3d conv_out_{nullptr};
};
TORCH_MODULE(VoxelDecoder);

}  // namespace nir::nn
