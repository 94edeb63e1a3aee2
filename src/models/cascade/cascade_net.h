// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "models/cascade/cascade_kernels.h"

#include <torch/torch.h>

#include <vector>

namespace nir::models {

class BatchBricks;

/// A 3-D U-Net with additive skips and no normalisation: its output at a place depends on its receptive field only,
/// so windows of a large scene agree. Level i: conv 3^3 + ReLU (one at level 0, two below), average pooling between;
/// upwards nearest neighbour of a 1x1x1 convolution, plus the skip, conv 3^3 + ReLU; a last 1x1x1 convolution.
class CascadeUnetImpl : public torch::nn::Module {
public:
    CascadeUnetImpl(std::int64_t in, const std::vector<int>& widths, std::int64_t out);
    /// @param x     [B, in, D, H, W] f32, sides multiples of 2^(levels - 1); with `fixed` the last of these channels
    /// @param mask  [B, 1, D, H, W] f32 of 0 and 1, constant on aligned blocks of 2^(levels - 1) cells, or undefined.
    ///              Where it is 0 every volume on the way counts as 0; BrickUnet never touches those cells.
    ///              Volumes of whole bricks in float32 go through our own layers (brick_layers.h).
    /// @param fixed [B, ., D, H, W] channels in front of those of x that get no gradient, or undefined
    /// @return [B, out, D, H, W]
    torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask = {}, const torch::Tensor& fixed = {});
    /// The same with torch's own operations on whole volumes, of any floating type.
    torch::Tensor whole(torch::Tensor x, torch::Tensor mask = {});
    /// Makes forward() the same as whole(): the yardstick of benches and tests.
    void use_plain_operators(bool plain) { plain_ = plain; }

private:
    torch::Tensor on_bricks(const torch::Tensor& volumes, const c10::intrusive_ptr<BatchBricks>& bricks,
                            const torch::Tensor& fixed);

    std::int64_t levels_;
    bool plain_ = false;
    torch::nn::ModuleList down_a_, down_b_, lift_, up_;
    torch::nn::Conv3d last_{nullptr};
};
TORCH_MODULE(CascadeUnet);

/// Decoder of every octave: features at a point -> logit. ResNet blocks of fully connected layers on trilinearly
/// sampled features (Peng et al. 2020, section 3.2, without the coordinates: the field must not depend on the origin).
class CascadeDecoderImpl : public torch::nn::Module {
public:
    CascadeDecoderImpl(std::int64_t in, std::int64_t hidden, std::int64_t blocks);
    /// @param c [..., in]  @return [...] logits
    torch::Tensor forward(torch::Tensor c);

private:
    torch::nn::Linear first_{nullptr}, last_{nullptr};
    torch::nn::ModuleList fc_0_, fc_1_;
};
TORCH_MODULE(CascadeDecoder);

/// The networks of the octave cascade: a coarse U-Net that sees the whole object and decides inside and outside, and a
/// fine one that is applied again and again, each time at half the cell size, to local point statistics and the
/// features of the octave before. Working in cells makes it independent of scale; working in units of the point
/// spacing makes it independent of density.
class CascadeNetImpl : public torch::nn::Module {
public:
    explicit CascadeNetImpl(const CascadeConfig& config);

    /// @param moments [B, kSplatChannels, D, H, W], openness [B, kOpennessChannels, D, H, W]
    /// @return features [B, features, D, H, W]
    torch::Tensor coarse(const torch::Tensor& moments, const torch::Tensor& openness);
    /// @param moments [B, kSplatChannels, D, H, W]; context [B, features, D, H, W]: features of the coarser octave,
    ///        upsampled to this one; mask [B, 1, D, H, W] from active_mask(): where it is 0 the context is the result.
    /// @return features [B, features, D, H, W]
    torch::Tensor fine(const torch::Tensor& moments, const torch::Tensor& context, const torch::Tensor& mask);
    /// What fine() is told of the coarser octave. @param features [B, features, n, n, n]
    /// @param parent [M] i64 rows of features  @param offset [M, 3] i64, (x, y, z) of the window in its parent
    /// @return [M, features, n, n, n]
    torch::Tensor context(const torch::Tensor& features, const torch::Tensor& parent, const torch::Tensor& offset);
    /// Logits at points given in cells of the feature volume.
    /// @param features [B, features, D, H, W]; points [B, T, 3] as (x, y, z)  @return [B, T]
    torch::Tensor decode(const torch::Tensor& features, const torch::Tensor& points);
    torch::Tensor decode_features(const torch::Tensor& c) { return decoder_->forward(c); }

    const CascadeConfig& config() const { return config_; }
    void use_plain_operators(bool plain) {
        plain_ = plain;
        coarse_->use_plain_operators(plain);
        fine_->use_plain_operators(plain);
    }

private:
    CascadeConfig config_;
    bool plain_ = false;
    CascadeUnet coarse_{nullptr}, fine_{nullptr};
    CascadeDecoder decoder_{nullptr};
};
TORCH_MODULE(CascadeNet);

/// The weights of now, packed for inference: BrickUnet is the U-Net with the mask, ResidualMlp the decoder.
CascadeKernelsPtr kernels_of(const CascadeNet& net);

/// Trilinear upsampling by 2, cell centres to cell centres.
torch::Tensor upsample_octave(const torch::Tensor& features);

/// Which bricks of an octave are computed (kPointReach, kUndecidedReach), on dense volumes.
/// @param moments [B, kSplatChannels, D, H, W], sides multiples of kBrickCells
/// @param coarser_logits [B, D/2, H/2, W/2] of the coarser octave's cells  @return [B, 1, D, H, W] f32 of 0 and 1
torch::Tensor active_mask(const torch::Tensor& moments, const torch::Tensor& coarser_logits);

}  // namespace nir::models
