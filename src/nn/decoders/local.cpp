// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/decoders/local.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

namespace nir::nn {

using torch::Tensor;

void LocalMlpConfig::describe(ConfigVisitor& v) {
    v.field("hidden_size", hidden_size, {.min = 1, .max = 4096}, "channels of the decoder's blocks");
    v.field("n_blocks", n_blocks, {.min = 1, .max = 64}, "residual blocks of the decoder");
    v.field("leaky", leaky, "leaky ReLU (0.2) instead of ReLU before the output");
    v.choice("sample_mode", sample_mode, {{"bilinear", SampleMode::bilinear}, {"nearest", SampleMode::nearest}},
             "how features are read between cells");
}

LocalMlpImpl::LocalMlpImpl(const LocalMlpConfig& config, const LocalDims& dims) : config_(config), dims_(dims) {
    if (config.n_blocks < 1 || config.hidden_size < 1 || dims.c_dim < 1)
        fail(ErrorKind::config, "decoder local: n_blocks, hidden_size and c_dim must be at least 1");
    for (std::int64_t i = 0; i < config.n_blocks; ++i) {
        fc_c_->push_back(torch::nn::Linear(dims.c_dim, config.hidden_size));
        blocks_->push_back(ResnetBlockFC(config.hidden_size, config.hidden_size));
    }
    register_module("fc_c", fc_c_);
    fc_p_ = register_module("fc_p", torch::nn::Linear(3, config.hidden_size));
    register_module("blocks", blocks_);
    fc_out_ = register_module("fc_out", torch::nn::Linear(config.hidden_size, 1));
}

Tensor LocalMlpImpl::forward(const Tensor& points, const FeatureMaps& features) {
    Tensor c;
    for (const Representation r : kRepresentations) {
        if (!features[r].defined()) continue;
        const Tensor sampled = sample_map(features[r], unit_coordinates(points, r, dims_.padding), config_.sample_mode);
        c = c.defined() ? c + sampled : sampled;
    }
    NIR_CHECK(c.defined());
    Tensor net = fc_p_(points);
    for (std::size_t i = 0; i < blocks_->size(); ++i) {
        net = net + fc_c_->at<torch::nn::LinearImpl>(i).forward(c);
        net = blocks_->at<ResnetBlockFCImpl>(i).forward(net);
    }
    net = config_.leaky ? torch::leaky_relu(net, 0.2) : torch::relu(net);
    return fc_out_(net).squeeze(2);
}

}  // namespace nir::nn
