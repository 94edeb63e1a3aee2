// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/voxel_local.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

namespace nir::nn {

using torch::Tensor;

void VoxelLocalConfig::describe(ConfigVisitor& v) {
    describe_features(v);
    describe_resolutions(v);
    describe_unets(v);
}

VoxelLocalImpl::VoxelLocalImpl(const VoxelLocalConfig& config, const LocalDims& dims)
    : MapEncoder(config, dims, "voxel_local") {
    conv_in_ = register_module("conv_in", torch::nn::Conv3d(torch::nn::Conv3dOptions(1, dims.c_dim, 3).padding(1)));
    register_unets();
}

FeatureMaps VoxelLocalImpl::forward(const Tensor& voxels, MapTrace* trace) {
    NIR_CHECK(voxels.dim() == 4);
    const auto line = [&](std::int64_t axis) {
        std::vector<std::int64_t> shape{1, 1, 1};
        shape[static_cast<std::size_t>(axis - 1)] = voxels.size(axis);
        return torch::linspace(-0.5, 0.5, voxels.size(axis), voxels.options().requires_grad(false))
            .view(shape)
            .expand(voxels.sizes().slice(1));
    };
    const Tensor points = torch::stack({line(1), line(2), line(3)}, 3).view({1, -1, 3}).expand({voxels.size(0), -1, 3});
    const Tensor features = torch::relu(conv_in_(voxels.unsqueeze(1))).flatten(2).transpose(1, 2);
    return maps_of(features, cells_of(points), trace);
}

}  // namespace nir::nn
