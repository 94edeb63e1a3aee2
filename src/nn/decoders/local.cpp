// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/decoders/local.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

#include <algorithm>

namespace nir::nn {

using torch::Tensor;

void LocalMlpConfig::describe_network(ConfigVisitor& v) {
    v.field("hidden_size", hidden_size, {.min = 1, .max = 4096}, "channels of the decoder's blocks");
    v.field("n_blocks", n_blocks, {.min = 1, .max = 64}, "residual blocks of the decoder");
    v.field("leaky", leaky, "leaky ReLU (0.2) instead of ReLU before the output");
}

void LocalMlpConfig::describe(ConfigVisitor& v) {
    describe_network(v);
    v.choice("sample_mode", sample_mode, {{"bilinear", SampleMode::bilinear}, {"nearest", SampleMode::nearest}},
             "how features are read between cells");
}

void PointMlpConfig::describe(ConfigVisitor& v) {
    describe_network(v);
    v.choice("weights", weights, {{"gaussian", PointWeights::gaussian}, {"inverse", PointWeights::inverse}},
             "how the features of points are weighted by their distance to the query");
    v.field("sigma", sigma, {.max = 1000, .above = 0, .unit = "units of the observation"},
            "width of gaussian weights, exp(-d^2 / sigma^2)");
}

LocalMlpImpl::LocalMlpImpl(const LocalMlpConfig& config, const LocalDims& dims, std::int64_t point_channels,
                           const char* name)
    : config_(config), dims_(dims) {
    if (config.n_blocks < 1 || config.hidden_size < 1 || dims.c_dim < 1)
        fail(ErrorKind::config, "decoder {}: n_blocks, hidden_size and c_dim must be at least 1", name);
    for (std::int64_t i = 0; i < config.n_blocks; ++i) {
        fc_c_->push_back(torch::nn::Linear(dims.c_dim, config.hidden_size));
        blocks_->push_back(ResnetBlockFC(config.hidden_size, config.hidden_size));
    }
    register_module("fc_c", fc_c_);
    fc_p_ = register_module("fc_p", torch::nn::Linear(point_channels, config.hidden_size));
    register_module("blocks", blocks_);
    fc_out_ = register_module("fc_out", torch::nn::Linear(config.hidden_size, 1));
}

Tensor LocalMlpImpl::logits(const Tensor& points, const Tensor& features) {
    Tensor net = fc_p_(points);
    for (std::size_t i = 0; i < blocks_->size(); ++i) {
        net = net + fc_c_->at<torch::nn::LinearImpl>(i).forward(features);
        net = blocks_->at<ResnetBlockFCImpl>(i).forward(net);
    }
    net = config_.leaky ? torch::leaky_relu(net, 0.2) : torch::relu(net);
    return fc_out_(net).squeeze(2);
}

namespace {

/// Sum of what all maps say at the positions `unit(r)` in each of them, [B,T,C]; undefined if there is no map.
template <class Unit>
Tensor read_maps(const FeatureMaps& features, SampleMode mode, const Unit& unit) {
    Tensor c;
    for (const Representation r : kRepresentations) {
        if (!features[r].defined()) continue;
        const Tensor sampled = sample_map(features[r], unit(r), mode);
        c = c.defined() ? c + sampled : sampled;
    }
    return c;
}

}  // namespace

Tensor LocalMlpImpl::forward(const Tensor& points, const FeatureMaps& features) {
    const Tensor c = read_maps(features, config_.sample_mode,
                               [&](Representation r) { return unit_coordinates(points, r, dims_.padding); });
    NIR_CHECK(c.defined());
    return logits(points, c);
}

Tensor PatchMlpImpl::decode(const Tensor& points, const FeatureMaps& features) {
    if (!features.window_lower.defined())
        fail(ErrorKind::config, "decoder local_patch reads maps of a window, as encoder pointnet_patch makes them");
    const Tensor c = read_maps(features, config().sample_mode, [&](Representation r) {
        return window_coordinates(points, features.window_lower, features.window_side, r);
    });
    NIR_CHECK(c.defined());
    return logits(describe_points(points, dims().window), c);
}

Tensor PointMlpImpl::read(const Tensor& queries, const FeatureMaps& features) const {
    constexpr double kEps = 10e-6;
    constexpr int kExact = 2;  // distances from differences, never from products
    const Tensor d = torch::cdist(queries, features.points, 2.0, kExact) + kEps;
    Tensor weights;
    if (weights_ == PointWeights::gaussian) {
        weights = torch::softmax(-d.square() / (sigma_ * sigma_), 2);
    } else {
        weights = 1 / d;
        weights = weights / weights.sum(2, true);
    }
    return torch::matmul(weights, features.point_features);
}

Tensor PointMlpImpl::decode(const Tensor& points, const FeatureMaps& features) {
    if (!features.points.defined() || !features.point_features.defined())
        fail(ErrorKind::config, "decoder local_point reads features at points, as encoder pointnet2 makes them");
    const std::int64_t n = features.points.size(1), t = points.size(1);
    if (n == 0 || t == 0) return logits(points, points.new_zeros({points.size(0), t, dims().c_dim}));
    // Without gradients nothing has to be kept, and blocks of distances stay below 32 MB.
    const std::int64_t block = torch::GradMode::is_enabled() ? t : std::max<std::int64_t>(1, (1 << 23) / n);
    std::vector<Tensor> parts;
    for (std::int64_t at = 0; at < t; at += block)
        parts.push_back(read(points.narrow(1, at, std::min(block, t - at)), features));
    return logits(points, parts.size() == 1 ? parts[0] : torch::cat(parts, 1));
}

}  // namespace nir::nn
