// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/feature_maps.h"

#include "nir/base/error.h"

namespace nir::nn {
namespace {

constexpr double kPlaneEps = 10e-6;
constexpr double kGridEps = 10e-4;

}  // namespace

using torch::Tensor;

std::string_view name_of(Representation representation) {
    constexpr std::array<std::string_view, 4> kNames{"grid", "xz", "xy", "yz"};
    return kNames[static_cast<std::size_t>(representation)];
}

Tensor unit_coordinates(const Tensor& points, Representation representation, double padding) {
    NIR_CHECK(points.dim() == 3 && points.size(2) == 3);
    const bool grid = representation == Representation::grid;
    const double eps = grid ? kGridEps : kPlaneEps;
    Tensor p = points;
    if (!grid) {
        const int first = representation == Representation::yz ? 1 : 0;
        const int second = representation == Representation::xy ? 1 : 2;
        p = torch::stack({points.select(2, first), points.select(2, second)}, 2);
    }
    const Tensor u = p / (1.0 + padding + eps) + 0.5;
    const Tensor capped = torch::where(u >= 1, torch::full({}, 1.0 - eps, u.options()), u);
    return torch::where(capped < 0, torch::zeros({}, u.options()), capped);
}

Tensor cell_index(const Tensor& unit, std::int64_t resolution) {
    const Tensor cell = (unit.detach() * resolution).to(torch::kInt64);
    Tensor index = cell.select(2, unit.size(2) - 1);
    for (std::int64_t axis = unit.size(2) - 2; axis >= 0; --axis) index = cell.select(2, axis) + resolution * index;
    return index;
}

std::int64_t n_cells(Representation representation, std::int64_t resolution) {
    return resolution * resolution * (representation == Representation::grid ? resolution : 1);
}

Tensor sample_map(const Tensor& map, const Tensor& unit, SampleMode mode) {
    namespace F = torch::nn::functional;
    F::GridSampleFuncOptions options;
    options.padding_mode(torch::kBorder).align_corners(true);
    if (mode == SampleMode::nearest) {
        options.mode(torch::kNearest);
    } else {
        options.mode(torch::kBilinear);
    }
    const Tensor grid = 2.0 * unit - 1.0;
    if (map.dim() == 4) return F::grid_sample(map, grid.unsqueeze(2), options).squeeze(3).transpose(1, 2);
    return F::grid_sample(map, grid.unsqueeze(2).unsqueeze(2), options).squeeze(4).squeeze(3).transpose(1, 2);
}

}  // namespace nir::nn
