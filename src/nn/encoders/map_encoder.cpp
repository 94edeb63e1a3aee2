// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/map_encoder.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

#include <algorithm>

namespace nir::nn {

using torch::Tensor;

bool MapConfig::has(Representation r) const {
    return std::find(features.begin(), features.end(), name_of(r)) != features.end();
}

bool MapConfig::has_planes() const {
    return has(Representation::xz) || has(Representation::xy) || has(Representation::yz);
}

void MapConfig::describe_features(ConfigVisitor& v) {
    v.choice("features", features, {"grid", "xz", "xy", "yz"},
             "where features live: the volume and any of three planes");
    v.check(!features.empty(), "features", "name at least one of grid, xz, xy, yz");
}

void MapConfig::describe_resolutions(ConfigVisitor& v) {
    v.field("plane_resolution", plane_resolution, {.min = 1, .max = 4096, .unit = "cells"},
            "cells per side of each plane");
    v.field("grid_resolution", grid_resolution, {.min = 1, .max = 512, .unit = "cells"},
            "cells per side of the volume");
}

void MapConfig::describe_unets(ConfigVisitor& v) {
    v.field("use_unet", use_unet, "pass planes through a shared 2-D U-Net");
    v.table("unet", unet, "2-D U-Net of the planes");
    v.field("use_unet3d", use_unet3d, "pass the volume through a 3-D U-Net");
    v.table("unet3d", unet3d, "3-D U-Net of the volume");
}

MapEncoder::MapEncoder(const MapConfig& config, const LocalDims& dims, const char* name) : maps_(config), dims_(dims) {
    using enum Representation;
    for (const Representation r : {xz, xy, yz, grid})
        if (config.has(r)) active_.push_back(r);
    if (active_.empty() || dims.c_dim < 1)
        fail(ErrorKind::config, "{}: needs a plane or a grid, and a c_dim of at least 1", name);
    maps_.unet.in_channels = maps_.unet.out_channels = dims.c_dim;
    maps_.unet3d.in_channels = maps_.unet3d.out_channels = dims.c_dim;
}

void MapEncoder::register_unets() {
    if (maps_.use_unet && maps_.has_planes()) unet_ = register_module("unet", UNet2d(maps_.unet));
    if (maps_.use_unet3d && maps_.has(Representation::grid)) unet3d_ = register_module("unet3d", UNet3d(maps_.unet3d));
}

std::vector<CellTable> MapEncoder::cells_of(const Tensor& points) const {
    std::vector<CellTable> cells;
    for (const Representation r : active_) {
        const std::int64_t reso = maps_.resolution(r);
        cells.emplace_back(cell_index(unit_coordinates(points, r, dims_.padding), reso), n_cells(r, reso));
    }
    return cells;
}

FeatureMaps MapEncoder::maps_of(const Tensor& features, const std::vector<CellTable>& cells, MapTrace* trace) {
    NIR_CHECK(cells.size() == active_.size());
    FeatureMaps out;
    std::vector<Tensor> planes;
    for (std::size_t i = 0; i < active_.size(); ++i) {
        const Representation r = active_[i];
        const bool grid = r == Representation::grid;
        std::vector<std::int64_t> shape{features.size(0), dims_.c_dim};
        shape.resize(grid ? 5 : 4, maps_.resolution(r));
        const std::int64_t inside = n_cells(r, maps_.resolution(r));
        Tensor map = scatter_cells_mean(features, cells[i]);
        if (cells[i].n_cells() != inside) map = map.narrow(2, 0, inside);
        map = map.reshape(shape);
        if (trace) {
            trace->index[static_cast<std::size_t>(r)] = cells[i].index();
            trace->scattered[r] = map;
        }
        if (grid)
            out[r] = unet3d_.is_empty() ? map : unet3d_(map);
        else if (unet_.is_empty())
            out[r] = map;
        else if (torch::GradMode::is_enabled())
            out[r] = unet_(map);
        else
            planes.push_back(map);
    }
    if (!planes.empty()) {  // all planes at once: more to do side by side
        const std::vector<Tensor> done = unet_(torch::cat(planes)).split(features.size(0));
        std::size_t next = 0;
        for (const Representation r : active_)
            if (r != Representation::grid) out[r] = done[next++];
    }
    if (trace) trace->point_features = features;
    return out;
}

}  // namespace nir::nn
