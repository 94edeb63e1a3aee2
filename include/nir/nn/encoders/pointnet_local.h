// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/local_encoder.h"
#include "nir/nn/ops/scatter.h"
#include "nir/nn/resnet_fc.h"
#include "nir/nn/unet2d.h"
#include "nir/nn/unet3d.h"

#include <string>
#include <vector>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

enum class Scatter : std::uint8_t { max, mean };

struct PointnetLocalConfig {
    std::vector<std::string> features = {"xz", "xy", "yz"};
    std::int64_t hidden_dim = 32;
    std::int64_t n_blocks = 5;
    Scatter scatter = Scatter::max;
    std::int64_t plane_resolution = 64;
    std::int64_t grid_resolution = 32;
    bool use_unet = true;
    UNet2dConfig unet;  // in_channels and out_channels follow c_dim
    bool use_unet3d = true;
    UNet3dConfig unet3d;

    void describe(ConfigVisitor& v);
    bool has(Representation r) const;
};

/// What happens on the way, for tests and pictures.
struct PointnetLocalTrace {
    torch::Tensor point_features;                              // [B,N,c_dim]
    std::array<torch::Tensor, kRepresentations.size()> index;  // [B,N] int64
    FeatureMaps scattered;                                     // before the U-Nets
};

/// PointNet with local pooling: per point fc_pos and residual blocks; between blocks each point receives the pooled
/// features of its cell in every plane and the volume, summed; the final features are averaged per cell and pass
/// through one 2-D U-Net shared by all planes and a 3-D U-Net.
/// State: fc_pos, blocks.i, fc_c, [unet.*], [unet3d.*]. Ref: convonet2020 §3.1; LocalPoolPointnet of the papers' code.
class PointnetLocalImpl : public LocalEncoder {
public:
    /// @throws nir::Error (config) for sizes that make no network.
    PointnetLocalImpl(const PointnetLocalConfig& config, const LocalDims& dims);
    FeatureMaps encode(const torch::Tensor& points) override { return forward(points); }
    FeatureMaps forward(const torch::Tensor& points, PointnetLocalTrace* trace = nullptr);

private:
    torch::Tensor pool(const torch::Tensor& features, const std::vector<CellTable>& cells) const;

    PointnetLocalConfig config_;
    LocalDims dims_;
    std::vector<Representation> active_;  // in the order of pooling: planes, then the volume
    torch::nn::Linear fc_pos_{nullptr}, fc_c_{nullptr};
    torch::nn::ModuleList blocks_;
    UNet2d unet_{nullptr};
    UNet3d unet3d_{nullptr};
};
TORCH_MODULE(PointnetLocal);

}  // namespace nir::nn
