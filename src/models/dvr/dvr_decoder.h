// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/nn/resnet_fc.h"

#include <torch/torch.h>

#include <cstdint>

namespace nir::models {

/// Sizes of the network of differentiable volumetric rendering.
struct DvrDecoderConfig {
    int c_dim = 256;     ///< of the code; 0 = one object, no code
    int hidden = 512;    ///< width
    int blocks = 5;      ///< residual blocks
    int out_dim = 4;     ///< occupancy and colour; 1 = occupancy alone
    bool leaky = false;  ///< leaky ReLU (0.2) before the last layer
    void describe(ConfigVisitor& v);
};

/// Occupancy and colour of a point: ResNet blocks of fully connected layers, the code added in front of each.
/// State: fc_p, fc_c.0.., blocks.0.., fc_out. Ref: niemeyer2020 §3.4 and figure 3.
class DvrDecoderImpl : public torch::nn::Module {
public:
    explicit DvrDecoderImpl(const DvrDecoderConfig& config);
    /// @param p [B, N, 3], the cube of side 1 around 0; c [B, c_dim], ignored if c_dim = 0
    /// @return [B, N, out_dim]: logit of the occupancy, logits of red, green, blue
    torch::Tensor forward(const torch::Tensor& p, const torch::Tensor& c);
    /// The same for points of any pictures. @param p [M, 3]; picture [M] i64, rows of c.  @return [M, out_dim]
    torch::Tensor at_points(const torch::Tensor& p, const torch::Tensor& picture, const torch::Tensor& c);
    /// Gradients of the logit with respect to the points, themselves differentiable with respect to the weights: the
    /// chain of the layers written out, a third of the work of autograd's double backward. Which activations are
    /// positive counts as given, and codes get no gradient: both are right almost everywhere.
    /// @param p, picture, c as at_points()  @return [M, 3]
    torch::Tensor logit_gradients(const torch::Tensor& p, const torch::Tensor& picture, const torch::Tensor& c);
    /// Weights that make the occupancy nearly that of a ball around 0, logit `slope` (radius - |p|); colours grey.
    /// Gaussian directions: |p| is the mean of max(0, w . p). Ref: atzmon2020 (SAL), §4.
    void start_as_ball(double radius, double slope);

    const DvrDecoderConfig& config() const { return config_; }

private:
    nn::ResnetBlockFCImpl& block(std::size_t i) { return *blocks_[i]->as<nn::ResnetBlockFC>(); }
    /// What block i reads, given what the one before it wrote.
    torch::Tensor with_code(const torch::Tensor& h, std::size_t i, const torch::Tensor& picture,
                            const torch::Tensor& c);

    DvrDecoderConfig config_;
    torch::nn::Linear fc_p_{nullptr}, fc_out_{nullptr};
    torch::nn::ModuleList fc_c_, blocks_;
};
TORCH_MODULE(DvrDecoder);

}  // namespace nir::models
