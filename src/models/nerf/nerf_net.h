// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::models {

/// Sizes of a NeRF network; the defaults are the published ones (595,844 values).
struct NerfConfig {
    int depth = 8, width = 256;   ///< layers seen by the density
    int skip = 4;                 ///< layer after which the input comes in again; -1 = never
    int position_octaves = 10;    ///< sines of the position
    int direction_octaves = 4;    ///< sines of the viewing direction
    bool view_directions = true;  ///< colours depend on the direction
    int outputs = 4;              ///< without view directions; files have 5, of which nobody reads the last
    void describe(ConfigVisitor& v);
};

/// [x, sin(x), cos(x), sin(2 x), cos(2 x), ..., sin(2^(L-1) x), cos(2^(L-1) x)], each for all coordinates. Deviation
/// from the paper, as in every program that came after it: without the factor pi, and with x itself.
/// @param x [..., 3]  @return [..., 3 + 6 octaves]. Ref: mildenhall2020 §5.1, eq. 4.
torch::Tensor positional_encoding(const torch::Tensor& x, int octaves);

/// The network of a neural radiance field. State: pts_linears.0..7, feature_linear, alpha_linear, views_linears.0,
/// rgb_linear; without view directions output_linear instead (views_linears.0 is there, unused).
/// Ref: mildenhall2020 appendix A.
class NerfNetImpl : public torch::nn::Module {
public:
    explicit NerfNetImpl(const NerfConfig& config);
    /// @param points [N, 3], directions [N, 3] of length 1 (ignored without view directions)
    /// @return [N, 4]: colour before the sigmoid, density before the ReLU
    torch::Tensor forward(const torch::Tensor& points, const torch::Tensor& directions);

    const NerfConfig& config() const { return config_; }

private:
    NerfConfig config_;
    torch::nn::ModuleList points_, views_;
    torch::nn::Linear feature_{nullptr}, density_{nullptr}, color_{nullptr}, output_{nullptr};
};
TORCH_MODULE(NerfNet);

}  // namespace nir::models
