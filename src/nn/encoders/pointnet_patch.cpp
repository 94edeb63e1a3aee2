// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/encoders/pointnet_patch.h"

#include "nir/base/config.h"
#include "nir/base/error.h"

namespace nir::nn {

using torch::Tensor;

namespace {

/// The configuration with the resolution that the window has.
PointnetLocalConfig with_resolution(const PointnetPatchConfig& config, const WindowDims& window) {
    if (window.query_cells < 1 || !(window.unit_size > 0))
        fail(ErrorKind::config, "pointnet_patch: query_cells {} and unit_size {} must be positive", window.query_cells,
             window.unit_size);
    PointnetLocalConfig out = config;
    const std::int64_t levels = config.unet3d.num_levels;
    const std::int64_t depth = config.use_unet && config.has_planes() ? config.unet.depth : levels;
    if (levels < 1 || levels > 8 || depth < 1 || depth > 16)
        fail(ErrorKind::config, "pointnet_patch: U-Nets of {} levels and depth {} make no network", levels, depth);
    const std::int64_t multiple = std::int64_t{1} << (depth - 1);
    const std::int64_t wanted = window.query_cells + (std::int64_t{1} << (levels + 2)) - 1;
    out.grid_resolution = out.plane_resolution = (wanted + multiple - 1) / multiple * multiple;
    return out;
}

}  // namespace

void PointnetPatchConfig::describe(ConfigVisitor& v) {
    describe_features(v);
    describe_network(v);
    describe_unets(v);
}

PointnetPatchImpl::PointnetPatchImpl(const PointnetPatchConfig& config, const LocalDims& dims)
    : PointnetLocalImpl(with_resolution(config, dims.window), dims, point_channels(dims.window), "pointnet_patch") {}

FeatureMaps PointnetPatchImpl::encode(const Tensor& points) {
    return encode_window(points, torch::full({points.size(0), 3}, -window_side() / 2, torch::kFloat64));
}

FeatureMaps PointnetPatchImpl::encode_window(const Tensor& points, const Tensor& lower, MapTrace* trace) {
    std::vector<CellTable> cells;
    for (const Representation r : active())
        cells.emplace_back(window_cell_index(points, lower, window_side(), r, resolution()),
                           n_cells(r, resolution()) + 1);
    FeatureMaps maps = run(describe_points(points, dims().window), cells, trace);
    maps.window_lower = lower;
    maps.window_side = window_side();
    return maps;
}

}  // namespace nir::nn
