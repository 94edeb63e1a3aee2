// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/voxels.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

#include <fmt/format.h>

namespace nir::nn {

using torch::Tensor;

void VoxelEncoderConfig::describe(ConfigVisitor& v) {
    v.field("resolution", resolution, {.min = 1, .max = 256, .unit = "voxels"},
            "voxels a side of the observation (published: 32)");
}

VoxelEncoderImpl::VoxelEncoderImpl(const VoxelEncoderConfig& config, const GlobalDims& dims, bool with_coordinates)
    : config_(config), with_coordinates_(with_coordinates) {
    const auto conv = [](std::int64_t in, std::int64_t out, std::int64_t stride) {
        return torch::nn::Conv3d(torch::nn::Conv3dOptions(in, out, 3).stride(stride).padding(1));
    };
    conv_in_ = register_module("conv_in", conv(with_coordinates ? 4 : 1, 32, 1));
    std::int64_t left = config.resolution;
    for (int i = 0; i < 4; ++i) {
        convs_.push_back(register_module(fmt::format("conv_{}", i), conv(32 << i, 64 << i, 2)));
        left = (left + 1) / 2;
    }
    fc_ = register_module("fc", torch::nn::Linear(512 * left * left * left, dims.c_dim));
}

Tensor VoxelEncoderImpl::forward(const Tensor& voxels) {
    const std::int64_t r = config_.resolution;
    for (std::int64_t axis = 1; axis <= 3; ++axis)
        if (voxels.size(axis) != r)
            fail(ErrorKind::input, "a grid of {} x {} x {} voxels; this network takes {} a side", voxels.size(1),
                 voxels.size(2), voxels.size(3), r);
    Tensor net = voxels.unsqueeze(1);
    if (with_coordinates_) {
        const Tensor line = torch::linspace(-0.5, 0.5, r, voxels.options());
        std::vector<Tensor> parts{net};
        for (const auto& shape : {std::array{r, 1L, 1L}, std::array{1L, r, 1L}, std::array{1L, 1L, r}})
            parts.push_back(line.view({1, 1, shape[0], shape[1], shape[2]}).expand(net.sizes()));
        net = torch::cat(parts, 1);
    }
    net = conv_in_(net);
    for (auto& conv : convs_) net = conv(net.relu_());
    return fc_(net.flatten(1).relu_());
}

}  // namespace nir::nn
