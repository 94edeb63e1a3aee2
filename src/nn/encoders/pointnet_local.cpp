// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/pointnet_local.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

#include <algorithm>

namespace nir::nn {

using torch::Tensor;

bool PointnetLocalConfig::has(Representation r) const {
    return std::find(features.begin(), features.end(), name_of(r)) != features.end();
}

void PointnetLocalConfig::describe(ConfigVisitor& v) {
    v.choice("features", features, {"grid", "xz", "xy", "yz"},
             "where features live: the volume and any of three planes");
    v.check(!features.empty(), "features", "name at least one of grid, xz, xy, yz");
    v.field("hidden_dim", hidden_dim, {.min = 1, .max = 4096}, "channels of the point network's blocks");
    v.field("n_blocks", n_blocks, {.min = 1, .max = 64}, "residual blocks of the point network");
    v.choice("scatter", scatter, {{"max", Scatter::max}, {"mean", Scatter::mean}},
             "how points of a cell pool between blocks (the maps are always means)");
    v.field("plane_resolution", plane_resolution, {.min = 1, .max = 4096, .unit = "cells"},
            "cells per side of each plane");
    v.field("grid_resolution", grid_resolution, {.min = 1, .max = 512, .unit = "cells"},
            "cells per side of the volume");
    v.field("use_unet", use_unet, "pass planes through a shared 2-D U-Net");
    v.table("unet", unet, "2-D U-Net of the planes");
    v.field("use_unet3d", use_unet3d, "pass the volume through a 3-D U-Net");
    v.table("unet3d", unet3d, "3-D U-Net of the volume");
}

PointnetLocalImpl::PointnetLocalImpl(const PointnetLocalConfig& config, const LocalDims& dims)
    : config_(config), dims_(dims) {
    using enum Representation;
    for (const Representation r : {xz, xy, yz, grid})
        if (config.has(r)) active_.push_back(r);
    if (active_.empty() || config.n_blocks < 1 || config.hidden_dim < 1 || dims.c_dim < 1)
        fail(ErrorKind::config,
             "pointnet_local: needs a plane or a grid, and n_blocks, hidden_dim, c_dim of at least 1");
    const std::int64_t h = config.hidden_dim;
    fc_pos_ = register_module("fc_pos", torch::nn::Linear(3, 2 * h));
    for (std::int64_t i = 0; i < config.n_blocks; ++i) blocks_->push_back(ResnetBlockFC(2 * h, h));
    register_module("blocks", blocks_);
    fc_c_ = register_module("fc_c", torch::nn::Linear(h, dims.c_dim));
    config_.unet.in_channels = config_.unet.out_channels = dims.c_dim;
    config_.unet3d.in_channels = config_.unet3d.out_channels = dims.c_dim;
    const bool planes = config.has(xz) || config.has(xy) || config.has(yz);
    if (config.use_unet && planes) unet_ = register_module("unet", UNet2d(config_.unet));
    if (config.use_unet3d && config.has(grid)) unet3d_ = register_module("unet3d", UNet3d(config_.unet3d));
}

Tensor PointnetLocalImpl::pool(const Tensor& features, const std::vector<CellTable>& cells) const {
    Tensor sum;
    for (const CellTable& table : cells) {
        const Tensor pooled =
            config_.scatter == Scatter::max ? pool_cells_max(features, table) : pool_cells_mean(features, table);
        sum = sum.defined() ? sum + pooled : pooled;
    }
    return sum;
}

FeatureMaps PointnetLocalImpl::forward(const Tensor& points, PointnetLocalTrace* trace) {
    std::vector<CellTable> cells;
    for (const Representation r : active_) {
        const std::int64_t reso = r == Representation::grid ? config_.grid_resolution : config_.plane_resolution;
        cells.emplace_back(cell_index(unit_coordinates(points, r, dims_.padding), reso), n_cells(r, reso));
    }
    Tensor net = fc_pos_(points);
    for (std::size_t i = 0; i < blocks_->size(); ++i) {
        if (i > 0) net = torch::cat({net, pool(net, cells)}, 2);
        net = blocks_->at<ResnetBlockFCImpl>(i).forward(net);
    }
    const Tensor c = fc_c_(net);
    FeatureMaps out;
    for (std::size_t i = 0; i < active_.size(); ++i) {
        const Representation r = active_[i];
        const bool grid = r == Representation::grid;
        std::vector<std::int64_t> shape{points.size(0), dims_.c_dim};
        shape.resize(grid ? 5 : 4, grid ? config_.grid_resolution : config_.plane_resolution);
        const Tensor map = scatter_cells_mean(c, cells[i]).view(shape);
        if (trace) {
            trace->index[static_cast<std::size_t>(r)] = cells[i].index();
            trace->scattered[r] = map;
        }
        if (grid)
            out[r] = unet3d_.is_empty() ? map : unet3d_(map);
        else
            out[r] = unet_.is_empty() ? map : unet_(map);
    }
    if (trace) trace->point_features = c;
    return out;
}

}  // namespace nir::nn
