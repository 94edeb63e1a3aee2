// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/decoders/global_decoder.h"
#include "nir/nn/point_layers.h"
#include "nir/nn/resnet_fc.h"

#include <string>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct SimpleDecoderConfig {
    std::int64_t hidden_size = 128;
    bool leaky = false;

    void describe(ConfigVisitor& v);
};

/// Five residual blocks on the point plus linear images of the codes; no normalisation.
/// State: fc_p, [fc_z], [fc_c], block0 … block4, fc_out. Ref: onet2019, Decoder of the papers' code.
class SimpleDecoderImpl : public GlobalDecoder {
public:
    SimpleDecoderImpl(const SimpleDecoderConfig& config, const GlobalDims& dims);
    torch::Tensor decode(const torch::Tensor& points, const torch::Tensor& z, const torch::Tensor& c) override;
    ShapeFunction fold(const torch::Tensor& z, const torch::Tensor& c) override;

private:
    SimpleDecoderConfig config_;
    torch::nn::Linear fc_p_{nullptr}, fc_z_{nullptr}, fc_c_{nullptr}, fc_out_{nullptr};
    std::vector<ResnetBlockFC> blocks_;
};
TORCH_MODULE(SimpleDecoder);

struct CBatchNormConfig {
    std::int64_t hidden_size = 256;
    bool leaky = false;
    bool legacy = false;
    std::string norm_method = "batch_norm";

    void describe(ConfigVisitor& v);
};

/// Residual block with conditional normalisation before each activation. State: bn_0, bn_1, fc_0, fc_1.
class ConditionalBlockImpl : public torch::nn::Module {
public:
    ConditionalBlockImpl(std::int64_t c_dim, std::int64_t channels, NormMethod method, bool legacy);
    torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& c);

    ConditionalNorm bn_0{nullptr}, bn_1{nullptr};
    PointConv fc_0{nullptr}, fc_1{nullptr};
};
TORCH_MODULE(ConditionalBlock);

/// The decoder of Occupancy Networks: five residual blocks whose normalisation is set by the code; z enters as an
/// addition to the point's features. `leaky` changes the last activation only. A new decoder ignores its code, for the
/// modulation starts at weight 0. State: [fc_z], fc_p, block0 … block4, bn, fc_out.
/// Ref: onet2019 supplementary §1.1, DecoderCBatchNorm of the papers' code.
class CBatchNormDecoderImpl : public GlobalDecoder {
public:
    CBatchNormDecoderImpl(const CBatchNormConfig& config, const GlobalDims& dims);
    torch::Tensor decode(const torch::Tensor& points, const torch::Tensor& z, const torch::Tensor& c) override;
    /// With instance_norm nothing can be folded: decode() of the points asked together.
    ShapeFunction fold(const torch::Tensor& z, const torch::Tensor& c) override;

private:
    CBatchNormConfig config_;
    torch::nn::Linear fc_z_{nullptr};
    PointConv fc_p_{nullptr}, fc_out_{nullptr};
    std::vector<ConditionalBlock> blocks_;
    ConditionalNorm bn_{nullptr};
};
TORCH_MODULE(CBatchNormDecoder);

struct CBatchNorm2Config {
    std::int64_t hidden_size = 256;
    std::int64_t n_blocks = 5;

    void describe(ConfigVisitor& v);
};

/// The same with any number of blocks and with z added to the code. State: conv_p, [fc_z], blocks.i, bn, conv_out.
/// Ref: DecoderCBatchNorm2 of onet2019's code.
class CBatchNorm2DecoderImpl : public GlobalDecoder {
public:
    CBatchNorm2DecoderImpl(const CBatchNorm2Config& config, const GlobalDims& dims);
    torch::Tensor decode(const torch::Tensor& points, const torch::Tensor& z, const torch::Tensor& c) override;
    ShapeFunction fold(const torch::Tensor& z, const torch::Tensor& c) override;

private:
    torch::Tensor condition(const torch::Tensor& z, const torch::Tensor& c);

    torch::nn::Linear fc_z_{nullptr};
    PointConv conv_p_{nullptr}, conv_out_{nullptr};
    torch::nn::ModuleList blocks_;
    ConditionalNorm bn_{nullptr};
};
TORCH_MODULE(CBatchNorm2Decoder);

struct PlainDecoderConfig {
    std::int64_t hidden_size = 256;
    bool leaky = false;

    void describe(ConfigVisitor& v);
};

/// Ablation: five layers instead of residual blocks; `leaky` changes every activation. State: [fc_z], fc_p,
/// fc_0 … fc_4, bn_0 … bn_5, fc_out. Ref: DecoderCBatchNormNoResnet of onet2019's code.
class CBatchNormPlainDecoderImpl : public GlobalDecoder {
public:
    CBatchNormPlainDecoderImpl(const PlainDecoderConfig& config, const GlobalDims& dims);
    torch::Tensor decode(const torch::Tensor& points, const torch::Tensor& z, const torch::Tensor& c) override;
    ShapeFunction fold(const torch::Tensor& z, const torch::Tensor& c) override;

private:
    PlainDecoderConfig config_;
    torch::nn::Linear fc_z_{nullptr};
    PointConv fc_p_{nullptr}, fc_out_{nullptr};
    std::vector<PointConv> fc_;
    std::vector<ConditionalNorm> bn_;
};
TORCH_MODULE(CBatchNormPlainDecoder);

/// Residual block with plain batch normalisation before each activation. State: bn_0, bn_1, fc_0, fc_1.
class BatchNormBlockImpl : public torch::nn::Module {
public:
    explicit BatchNormBlockImpl(std::int64_t channels);
    torch::Tensor forward(const torch::Tensor& x);

    torch::nn::BatchNorm1d bn_0{nullptr}, bn_1{nullptr};
    PointConv fc_0{nullptr}, fc_1{nullptr};
};
TORCH_MODULE(BatchNormBlock);

/// Ablation: the code is added to the point's features, normalisation does not depend on it. State: [fc_z], [fc_c],
/// fc_p, block0 … block4, bn, fc_out. Ref: DecoderBatchNorm of onet2019's code.
class BatchNormDecoderImpl : public GlobalDecoder {
public:
    BatchNormDecoderImpl(const PlainDecoderConfig& config, const GlobalDims& dims);
    torch::Tensor decode(const torch::Tensor& points, const torch::Tensor& z, const torch::Tensor& c) override;
    ShapeFunction fold(const torch::Tensor& z, const torch::Tensor& c) override;

private:
    PlainDecoderConfig config_;
    torch::nn::Linear fc_z_{nullptr}, fc_c_{nullptr};
    PointConv fc_p_{nullptr}, fc_out_{nullptr};
    std::vector<BatchNormBlock> blocks_;
    torch::nn::BatchNorm1d bn_{nullptr};
};
TORCH_MODULE(BatchNormDecoder);

}  // namespace nir::nn
