// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"

#include "models/cascade/brick_set.h"

#include <torch/torch.h>

#include <functional>
#include <span>
#include <vector>

namespace nir::models {

/// Widths of one 3-D U-Net of the cascade, finest level first.
struct CascadeUnetConfig {
    std::vector<int> widths{32, 64, 128, 128};
    void describe(ConfigVisitor& v);
};

struct CascadeConfig {
    int coarse_cells = 32;          ///< cells along each side of the coarse grid
    int coarse_margin = 2;          ///< empty cells kept around the object, at least
    int max_octaves = 5;            ///< how often the cells may be halved
    double max_spacing_cells = 3;   ///< an octave is added while the point spacing is below this many of its cells ...
    double max_noise_cells = 0.75;  ///< ... and the root of noise x spacing below this many
    int features = 16;              ///< channels handed from octave to octave and to the decoder
    int decoder_hidden = 32, decoder_blocks = 2;
    CascadeUnetConfig coarse{{32, 64, 128, 128}}, fine{{32, 64, 96}};
    void describe(ConfigVisitor& v);
};

/// A 3-D U-Net with additive skips and no normalisation: its output at a place depends on its receptive field only,
/// so windows of a large scene agree. Level i: conv 3^3 + ReLU (one at level 0, two below), average pooling between;
/// upwards nearest neighbour of a 1x1x1 convolution, plus the skip, conv 3^3 + ReLU; a last 1x1x1 convolution.
class CascadeUnetImpl : public torch::nn::Module {
public:
    CascadeUnetImpl(std::int64_t in, const std::vector<int>& widths, std::int64_t out);
    /// @param x     [B, in, D, H, W] f32, sides multiples of 2^(levels - 1)
    /// @param mask  [B, 1, D, H, W] f32 of 0 and 1, constant on aligned blocks of 2^(levels - 1) cells, or undefined.
    ///              Where it is 0 every volume on the way counts as 0; forward_on_bricks() never touches those cells.
    /// @return [B, out, D, H, W]
    torch::Tensor forward(torch::Tensor x, torch::Tensor mask = {});
    /// The same without gradients, for the cells of a set of bricks only, which is what the mask says otherwise.
    /// @param x [N, in, b, b, b] f32, the bricks of the set; b a multiple of 2^(levels - 1)  @return [N, out, b, b, b]
    torch::Tensor forward_on_bricks(const BrickSet& bricks, const torch::Tensor& x);

    /// Inputs of bricks [first, first + count) with one cell of their neighbours around, zeros where there is no brick:
    /// [count, in, b + 2, b + 2, b + 2].
    using Inputs = std::function<torch::Tensor(std::int64_t first, std::int64_t count)>;
    /// Takes the output [count, out, b, b, b] of bricks first, first + 1, ...
    using Outputs = std::function<void(std::int64_t first, const torch::Tensor& y)>;
    /// forward_on_bricks() for the first bricks of a set, computing of the others only what these depend on. Inputs are
    /// asked for and outputs handed over a few at a time.
    /// @param within  how many bricks lie within 0, 1, ... bricks of the wanted ones (within[0] of them), which comes
    ///        first in the set; as far as the receptive field reaches, or one number for all
    void forward_on_bricks(const BrickSet& bricks, std::span<const std::int64_t> within, const Inputs& inputs,
                           const Outputs& outputs);

private:
    /// How far beyond the wanted cells the volumes of a level are needed, in cells of the finest level.
    struct Reach {
        std::int64_t down_a = 0, down = 0, skip = 0, up = 0;
    };
    std::vector<Reach> reaches() const;
    torch::Tensor top_level(const BrickSet& bricks, std::span<const std::int64_t> within, const Inputs& inputs,
                            torch::Tensor& skip);

    std::int64_t levels_;
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
    /// coarse() on the bricks that fill the grid: the same bits whatever the number of threads.
    /// @param inputs [N, kSplatChannels + kOpennessChannels, b, b, b]
    torch::Tensor coarse_on_bricks(const BrickSet& bricks, const torch::Tensor& inputs) {
        return coarse_->forward_on_bricks(bricks, inputs);
    }
    /// @param moments [B, kSplatChannels, D, H, W]; context [B, features, D, H, W]: features of the coarser octave,
    ///        upsampled to this one; mask [B, 1, D, H, W] from active_mask(): where it is 0 the context is the result.
    /// @return features [B, features, D, H, W]
    torch::Tensor fine(const torch::Tensor& moments, const torch::Tensor& context, const torch::Tensor& mask);
    /// fine() on bricks of an octave, before the context is added; see CascadeUnetImpl::forward_on_bricks().
    void fine_on_bricks(const BrickSet& bricks, std::span<const std::int64_t> within,
                        const CascadeUnetImpl::Inputs& inputs, const CascadeUnetImpl::Outputs& outputs) {
        fine_->forward_on_bricks(bricks, within, inputs, outputs);
    }
    /// Logits at points given in cells of the feature volume.
    /// @param features [B, features, D, H, W]; points [B, T, 3] as (x, y, z)  @return [B, T]
    torch::Tensor decode(const torch::Tensor& features, const torch::Tensor& points);
    torch::Tensor decode_features(const torch::Tensor& c) { return decoder_->forward(c); }

    const CascadeConfig& config() const { return config_; }

private:
    CascadeConfig config_;
    CascadeUnet coarse_{nullptr}, fine_{nullptr};
    CascadeDecoder decoder_{nullptr};
};
TORCH_MODULE(CascadeNet);

/// Trilinear upsampling by 2, cell centres to cell centres.
torch::Tensor upsample_octave(const torch::Tensor& features);

/// Which bricks of an octave are computed: those within kPointReach cells of a cell that a point of the scan
/// contributes to, or within kUndecidedReach cells of where the coarser octave is undecided.
inline constexpr int kPointReach = 3, kUndecidedReach = 2;
inline constexpr float kUndecided = 2;  ///< |logit| below which a coarser cell is undecided
/// @param moments [B, kSplatChannels, D, H, W], sides multiples of kBrickCells
/// @param coarser_logits [B, D/2, H/2, W/2] of the coarser octave's cells  @return [B, 1, D, H, W] f32 of 0 and 1
torch::Tensor active_mask(const torch::Tensor& moments, const torch::Tensor& coarser_logits);

}  // namespace nir::models
