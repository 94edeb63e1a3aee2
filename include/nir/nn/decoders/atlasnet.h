// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace nir::nn {

enum class PatchActivation : std::uint8_t { relu, sigmoid, softplus, logsigmoid, softsign, tanh };

/// Sizes of the network that bends one patch.
struct PatchOptions {
    std::int64_t template_dim = 2;  ///< 2: the unit square, 3: the unit sphere
    std::int64_t c_dim = 1024;      ///< of the code, and of the first layer
    std::int64_t hidden = 512;
    std::int64_t n_layers = 2;  ///< further layers of `hidden`
    PatchActivation activation = PatchActivation::relu;
};

/// Moves the points of a template: 1x1 convolutions with batch normalisation on the point, the code added after the
/// first. State: conv1, conv2, conv_list.i, last_conv, bn1, bn2, bn_list.i.
/// Ref: groueix2018 §3.2; Mapping2Dto3D of AtlasNet's code.
class PatchMappingImpl : public torch::nn::Module {
public:
    explicit PatchMappingImpl(const PatchOptions& options);
    /// @param code [B,c]  @param points [1,d,n], the same for the whole batch.  @return [B,3,n]
    torch::Tensor forward(const torch::Tensor& code, const torch::Tensor& points);

private:
    torch::Tensor activate(const torch::Tensor& x) const;

    PatchActivation activation_;
    torch::nn::Conv1d conv1_{nullptr}, conv2_{nullptr}, last_conv_{nullptr};
    torch::nn::BatchNorm1d bn1_{nullptr}, bn2_{nullptr};
    torch::nn::ModuleList conv_list_, bn_list_;
};
TORCH_MODULE(PatchMapping);

/// A set of patches, each with a network of its own. State: decoder.i.*
class AtlasnetDecoderImpl : public torch::nn::Module {
public:
    AtlasnetDecoderImpl(const PatchOptions& options, std::int64_t n_patches);
    /// @param code [B,c]  @param points  for each patch [1,d,n].  @return [B,P,3,n]
    torch::Tensor forward(const torch::Tensor& code, const std::vector<torch::Tensor>& points);

private:
    torch::nn::ModuleList patches_;
};
TORCH_MODULE(AtlasnetDecoder);

}  // namespace nir::nn
