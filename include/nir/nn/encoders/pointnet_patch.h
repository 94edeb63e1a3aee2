// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/encoders/pointnet_local.h"

namespace nir::nn {

/// The options of pointnet_local without the resolutions: those follow from the window.
struct PointnetPatchConfig : PointnetLocalConfig {
    PointnetPatchConfig() { features = {"grid"}; }
    void describe(ConfigVisitor& v);
};

/// pointnet_local for a window: only points in a cube of resolution() voxels count, its maps have one cell for each
/// voxel, and a point is described by its position within its voxel, so that the same weights work anywhere and at any
/// scale. The window is as much larger than the box that is asked as the receptive field of the U-Net, rounded up to
/// what it can halve: query_cells + 2^(levels + 2) - 1, a multiple of 2^(depth - 1).
/// State: that of pointnet_local (fc_pos has 60 inputs with sin_cos).
/// Ref: convonet2020 §3.4 (fully convolutional model); PatchLocalPoolPointnet, update_reso of the papers' code.
class PointnetPatchImpl : public PointnetLocalImpl {
public:
    /// Uses dims.window.
    PointnetPatchImpl(const PointnetPatchConfig& config, const LocalDims& dims);
    LocalFeatures makes() const override { return LocalFeatures::window; }
    /// Voxels per side of the window.
    std::int64_t resolution() const { return map_config().grid_resolution; }
    double window_side() const { return static_cast<double>(resolution()) * dims().window.unit_size; }

    /// The window centred at 0.
    FeatureMaps encode(const torch::Tensor& points) override;
    /// @param points [B,N,3]  @param lower [B,3] f64, lower corner of each window. Points outside do not count.
    FeatureMaps encode_window(const torch::Tensor& points, const torch::Tensor& lower, MapTrace* trace = nullptr);
};
TORCH_MODULE(PointnetPatch);

}  // namespace nir::nn
