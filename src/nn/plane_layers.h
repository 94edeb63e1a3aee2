// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The layers of UNet2d at inference, channels last, by our own kernel (kernels/plane_conv.h). Planes are [B,H,W,C] f32,
// contiguous, on the CPU. A cell's bits do not depend on the number of threads.
#pragma once

#include "nir/kernels/plane_conv.h"

#include <torch/torch.h>

#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace nir::nn {

/// The weights of a layer as the kernel takes them, packed again when they have changed. Weights are compared by value:
/// an optimiser may write them behind torch's back.
class PackedConv {
public:
    /// @param weight [out, in, k, k], or of a transposed one [in, out, 2, 2]: its four outputs (dy, dx, out) side by
    /// side
    std::shared_ptr<const kernels::PlaneConv> of(const torch::Tensor& weight, const torch::Tensor& bias,
                                                 bool transposed = false);

private:
    std::mutex mutex_;
    std::vector<float> weight_, bias_;
    std::shared_ptr<const kernels::PlaneConv> conv_;
};

/// Convolution of planes that lie beside each other in channels, with zeros around. @return [B,H,W,out]
torch::Tensor convolve_planes(const kernels::PlaneConv& conv, std::span<const torch::Tensor> parts, bool relu);
/// Transposed convolution of 2^2 cells, stride 2. @return [B,2H,2W,out]
torch::Tensor double_planes(const kernels::PlaneConv& conv, const torch::Tensor& x);
/// The largest of each 2^2 cells; NaN wins. @return [B,H/2,W/2,C]
torch::Tensor halve_planes(const torch::Tensor& x);

}  // namespace nir::nn
