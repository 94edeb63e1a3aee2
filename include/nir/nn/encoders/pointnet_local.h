// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/map_encoder.h"
#include "nir/nn/resnet_fc.h"

namespace nir::nn {

enum class Scatter : std::uint8_t { max, mean };

struct PointnetLocalConfig : MapConfig {
    std::int64_t hidden_dim = 32;
    std::int64_t n_blocks = 5;
    Scatter scatter = Scatter::max;

    void describe(ConfigVisitor& v);

protected:
    void describe_network(ConfigVisitor& v);
};

using PointnetLocalTrace = MapTrace;

/// PointNet with local pooling: per point fc_pos and residual blocks; between blocks each point receives the pooled
/// features of its cell in every plane and the volume, summed; the final features are averaged per cell and pass
/// through one 2-D U-Net shared by all planes and a 3-D U-Net.
/// State: fc_pos, blocks.i, fc_c, [unet.*], [unet3d.*]. Ref: convonet2020 §3.1; LocalPoolPointnet of the papers' code.
class PointnetLocalImpl : public MapEncoder {
public:
    /// @throws nir::Error (config) for sizes that make no network.
    PointnetLocalImpl(const PointnetLocalConfig& config, const LocalDims& dims)
        : PointnetLocalImpl(config, dims, 3, "pointnet_local") {}
    FeatureMaps encode(const torch::Tensor& points) override { return forward(points); }
    FeatureMaps forward(const torch::Tensor& points, PointnetLocalTrace* trace = nullptr);

protected:
    /// For encoders that are told more of a point than its position.
    PointnetLocalImpl(const PointnetLocalConfig& config, const LocalDims& dims, std::int64_t point_channels,
                      const char* name);
    /// @param points  [B,N,point_channels]  @param cells  as maps_of() takes them
    FeatureMaps run(const torch::Tensor& points, const std::vector<CellTable>& cells, MapTrace* trace);

private:
    torch::Tensor pool(const torch::Tensor& features, const std::vector<CellTable>& cells) const;

    Scatter scatter_;
    torch::nn::Linear fc_pos_{nullptr}, fc_c_{nullptr};
    torch::nn::ModuleList blocks_;
};
TORCH_MODULE(PointnetLocal);

}  // namespace nir::nn
