// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/decoders/r2n2.h"

#include "nir/base/error.h"

#include <algorithm>
#include <bit>

namespace nir::nn {

using torch::Tensor;

namespace {

constexpr std::int64_t kFirstCells = 4, kFirstChannels = 256, kFewestChannels = 32;

}  // namespace

VoxelDecoderImpl::VoxelDecoderImpl(std::int64_t c_dim, std::int64_t resolution) : resolution_(resolution) {
    if (c_dim < 1) fail(ErrorKind::config, "voxel decoder: c_dim must be at least 1");
    if (resolution < 2 * kFirstCells || resolution > 1024 ||
        !std::has_single_bit(static_cast<std::uint64_t>(resolution)))
        fail(ErrorKind::config, "voxel decoder: the resolution must be 8, 16, 32, … up to 1024, not {}", resolution);
    fc_in_ =
        register_module("fc_in", torch::nn::Linear(c_dim, kFirstChannels * kFirstCells * kFirstCells * kFirstCells));
    std::int64_t channels = kFirstChannels;
    for (std::int64_t cells = kFirstCells; cells < resolution; cells *= 2) {
        const std::int64_t next = std::max(channels / 2, kFewestChannels);
        const auto doubling =
            torch::nn::ConvTranspose3dOptions(channels, next, 3).stride(2).padding(1).output_padding(1);
        ups_.push_back(register_module(fmt::format("convtrp_{}", ups_.size()), torch::nn::ConvTranspose3d(doubling)));
        channels = next;
    }
    conv_out_ = register_module("conv_out", torch::nn::Conv3d(torch::nn::Conv3dOptions(channels, 1, 1)));
}

Tensor VoxelDecoderImpl::forward(const Tensor& code) {
    Tensor net = fc_in_(code).view({-1, kFirstChannels, kFirstCells, kFirstCells, kFirstCells});
    for (auto& up : ups_) net = up(torch::relu(net));
    return conv_out_(torch::relu(net));
}

}  // namespace nir::nn
