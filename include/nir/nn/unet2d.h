// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

enum class UNetMerge : std::uint8_t { concat, add };
enum class UNetUp : std::uint8_t { transpose, upsample };

struct UNet2dConfig {
    std::int64_t in_channels = 32;
    std::int64_t out_channels = 32;
    std::int64_t depth = 4;
    std::int64_t start_filters = 32;  // channels of the finest level; doubled at every level
    UNetMerge merge = UNetMerge::concat;
    UNetUp up = UNetUp::transpose;

    /// Lists depth, start_filters, merge_mode and up_mode; the outer channels belong to the owner.
    void describe(ConfigVisitor& v);
};

/// 2-D U-Net without normalisation: levels of two 3x3 convolutions, max pooling, transposed convolutions (or bilinear
/// upsampling), skips joined as (up, skip), a last 1x1 convolution without activation.
/// State: down_convs.i.conv{1,2}, up_convs.j.{upconv,conv1,conv2}, conv_final.
/// Ref: ronneberger2015; UNet of the papers' code (convonet2020).
class UNet2dImpl : public torch::nn::Module {
public:
    /// @throws nir::Error (config) for depth < 1, non-positive widths, or up = upsample with merge = add.
    explicit UNet2dImpl(const UNet2dConfig& config);
    /// @param x [B,in_channels,H,W], H and W divisible by 2^(depth-1).  @return [B,out_channels,H,W]
    torch::Tensor forward(const torch::Tensor& x);
    const UNet2dConfig& config() const { return config_; }

private:
    UNet2dConfig config_;
    torch::nn::ModuleList down_, up_;
    torch::nn::Conv2d final_{nullptr};
};
TORCH_MODULE(UNet2d);

}  // namespace nir::nn
