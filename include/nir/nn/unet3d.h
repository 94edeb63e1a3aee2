// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct UNet3dConfig {
    std::int64_t in_channels = 32;
    std::int64_t out_channels = 32;
    std::int64_t f_maps = 32;  // channels of the finest level; doubled at every level
    std::int64_t num_levels = 3;
    std::string layer_order = "gcr";  // g GroupNorm, b BatchNorm, c convolution, r ReLU, l LeakyReLU 0.1, e ELU
    std::int64_t num_groups = 8;      // of GroupNorm; 1 where a layer has fewer channels

    /// Lists f_maps, num_levels, layer_order and num_groups; the outer channels belong to the owner.
    void describe(ConfigVisitor& v);
};

/// 3-D U-Net: levels of two 3x3x3 convolutions in the given layer order, max pooling, nearest-neighbour upsampling to
/// the size of the skip, skips joined as (skip, up), a last 1x1x1 convolution without activation. Convolutions carry a
/// bias only if the order has no norm. Any grid size of at least 2^(num_levels-1) cells a side works. State:
/// encoders.i.basic_module.SingleConv{1,2}.{groupnorm,conv}, decoders.j.…, final_conv. Ref: cicek2016; UNet3D of the
/// papers' code (convonet2020).
class UNet3dImpl : public torch::nn::Module {
public:
    /// @throws nir::Error (config) for a layer order without exactly one c, with unknown letters, or sizes that do not
    /// fit.
    explicit UNet3dImpl(const UNet3dConfig& config);
    /// @param x [B,in_channels,D,H,W]  @return [B,out_channels,D,H,W]
    torch::Tensor forward(const torch::Tensor& x);
    const UNet3dConfig& config() const { return config_; }

private:
    UNet3dConfig config_;
    torch::nn::ModuleList encoders_, decoders_;
    torch::nn::Conv3d final_{nullptr};
};
TORCH_MODULE(UNet3d);

}  // namespace nir::nn
