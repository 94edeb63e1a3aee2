// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/pointnet_local.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

namespace nir::nn {

using torch::Tensor;

void PointnetLocalConfig::describe_network(ConfigVisitor& v) {
    v.field("hidden_dim", hidden_dim, {.min = 1, .max = 4096}, "channels of the point network's blocks");
    v.field("n_blocks", n_blocks, {.min = 1, .max = 64}, "residual blocks of the point network");
    v.choice("scatter", scatter, {{"max", Scatter::max}, {"mean", Scatter::mean}},
             "how points of a cell pool between blocks (the maps are always means)");
}

void PointnetLocalConfig::describe(ConfigVisitor& v) {
    describe_features(v);
    describe_network(v);
    describe_resolutions(v);
    describe_unets(v);
}

PointnetLocalImpl::PointnetLocalImpl(const PointnetLocalConfig& config, const LocalDims& dims,
                                     std::int64_t point_channels, const char* name)
    : MapEncoder(config, dims, name), scatter_(config.scatter) {
    if (config.n_blocks < 1 || config.hidden_dim < 1)
        fail(ErrorKind::config, "{}: n_blocks and hidden_dim must be at least 1", name);
    const std::int64_t h = config.hidden_dim;
    fc_pos_ = register_module("fc_pos", torch::nn::Linear(point_channels, 2 * h));
    for (std::int64_t i = 0; i < config.n_blocks; ++i) blocks_->push_back(ResnetBlockFC(2 * h, h));
    register_module("blocks", blocks_);
    fc_c_ = register_module("fc_c", torch::nn::Linear(h, dims.c_dim));
    register_unets();
}

Tensor PointnetLocalImpl::pool(const Tensor& features, const std::vector<CellTable>& cells) const {
    Tensor sum;
    for (const CellTable& table : cells) {
        const Tensor pooled =
            scatter_ == Scatter::max ? pool_cells_max(features, table) : pool_cells_mean(features, table);
        sum = sum.defined() ? sum + pooled : pooled;
    }
    return sum;
}

FeatureMaps PointnetLocalImpl::forward(const Tensor& points, PointnetLocalTrace* trace) {
    return run(points, cells_of(points), trace);
}

FeatureMaps PointnetLocalImpl::run(const Tensor& points, const std::vector<CellTable>& cells, MapTrace* trace) {
    Tensor net = fc_pos_(points);
    for (std::size_t i = 0; i < blocks_->size(); ++i) {
        if (i > 0) net = torch::cat({net, pool(net, cells)}, 2);
        net = blocks_->at<ResnetBlockFCImpl>(i).forward(net);
    }
    return maps_of(fc_c_(net), cells, trace);
}

}  // namespace nir::nn
