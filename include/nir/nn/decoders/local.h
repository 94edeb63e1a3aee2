// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/residual_mlp.h"
#include "nir/nn/encoders/local_encoder.h"
#include "nir/nn/point_function.h"
#include "nir/nn/resnet_fc.h"

#include <memory>
#include <vector>

namespace nir {
class ConfigVisitor;
}

namespace nir::nn {

struct LocalMlpConfig {
    std::int64_t hidden_size = 32;
    std::int64_t n_blocks = 5;
    bool leaky = false;
    SampleMode sample_mode = SampleMode::bilinear;

    void describe(ConfigVisitor& v);

protected:
    void describe_network(ConfigVisitor& v);
};

/// Local decoder: features read at the query point from all maps, summed, are added before each residual block of a
/// small network on the point itself. `leaky` changes only the last activation (slope 0.2).
/// State: fc_c.i, fc_p, blocks.i, fc_out. Ref: convonet2020 §3.2; LocalDecoder of the papers' code.
class LocalMlpImpl : public LocalDecoder {
public:
    LocalMlpImpl(const LocalMlpConfig& config, const LocalDims& dims) : LocalMlpImpl(config, dims, 3, "local") {}
    torch::Tensor decode(const torch::Tensor& points, const FeatureMaps& features) override {
        return forward(points, features);
    }
    torch::Tensor forward(const torch::Tensor& points, const FeatureMaps& features);

    /// decode() of one observation in eval mode as a kernel (kernels/local_decoder.h), equal within rounding; null if
    /// there is none for these features or parameters (not float32).
    /// @param features  of one observation, B = 1
    virtual std::shared_ptr<const PointFunction> fold(const FeatureMaps& features);

protected:
    /// For decoders that are told other things of a point.
    LocalMlpImpl(const LocalMlpConfig& config, const LocalDims& dims, std::int64_t point_channels, const char* name);
    /// Logits [B,T] of points [B,T,point_channels] and what features say there [B,T,c_dim].
    torch::Tensor logits(const torch::Tensor& points, const torch::Tensor& features);
    /// The network as kernels take it.
    kernels::ResidualMlp packed() const;
    const LocalMlpConfig& config() const { return config_; }
    const LocalDims& dims() const { return dims_; }

private:
    LocalMlpConfig config_;
    LocalDims dims_;
    torch::nn::Linear fc_p_{nullptr}, fc_out_{nullptr};
    torch::nn::ModuleList fc_c_, blocks_;
};
TORCH_MODULE(LocalMlp);

/// The decoder of windows: features are read at the position in the window, and the point is described by its position
/// within its voxel. State: that of local (fc_p has 60 inputs with sin_cos).
/// Ref: convonet2020 §3.4; PatchLocalDecoder of the papers' code.
class PatchMlpImpl : public LocalMlpImpl {
public:
    PatchMlpImpl(const LocalMlpConfig& config, const LocalDims& dims)
        : LocalMlpImpl(config, dims, point_channels(dims.window), "local_patch") {}
    LocalFeatures reads() const override { return LocalFeatures::window; }
    /// @throws nir::Error (config) if the maps are not those of a window.
    torch::Tensor decode(const torch::Tensor& points, const FeatureMaps& features) override;
    /// Without gradients().
    std::shared_ptr<const PointFunction> fold(const FeatureMaps& features) override;
};
TORCH_MODULE(PatchMlp);

enum class PointWeights : std::uint8_t { gaussian, inverse };

struct PointMlpConfig : LocalMlpConfig {
    PointWeights weights = PointWeights::gaussian;
    double sigma = 0.2;

    void describe(ConfigVisitor& v);
};

/// The decoder of features that live at points: their mean at the query, weighted by distance d:
/// exp(-(d + 1e-5)^2 / sigma^2), without the usual 1/2, or 1 / (d + 1e-5). Time and memory grow with the number of
/// queries times the number of points. State: that of local. Ref: convonet2020 §4 (PointConv baseline);
/// LocalPointDecoder of the papers' code. Deviation: far from all points the nearest one counts instead of 0 / 0.
class PointMlpImpl : public LocalMlpImpl {
public:
    PointMlpImpl(const PointMlpConfig& config, const LocalDims& dims)
        : LocalMlpImpl(config, dims, 3, "local_point"), weights_(config.weights), sigma_(config.sigma) {}
    LocalFeatures reads() const override { return LocalFeatures::points; }
    /// @throws nir::Error (config) if the features do not live at points. Without points features are 0.
    torch::Tensor decode(const torch::Tensor& points, const FeatureMaps& features) override;
    std::shared_ptr<const PointFunction> fold(const FeatureMaps&) override { return nullptr; }

private:
    torch::Tensor read(const torch::Tensor& queries, const FeatureMaps& features) const;

    PointWeights weights_;
    double sigma_;
};
TORCH_MODULE(PointMlp);

}  // namespace nir::nn
