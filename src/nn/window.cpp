// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/window.h"

#include "nir/base/error.h"

#include <numbers>

namespace nir::nn {
namespace {

using torch::Tensor;

constexpr int kFrequencies = 10;

}  // namespace

std::int64_t point_channels(const WindowDims& dims) {
    return dims.encoding == PositionEncoding::sin_cos ? 2 * 3 * kFrequencies : 3;
}

Tensor describe_points(const Tensor& points, const WindowDims& dims) {
    if (!dims.local_coordinates) return points;
    const Tensor u = torch::remainder(points, dims.unit_size) / dims.unit_size;
    if (dims.encoding == PositionEncoding::linear) return u;
    const Tensor x = 2.0 * u - 1.0;
    std::vector<Tensor> parts;
    for (int level = 0; level < kFrequencies; ++level) {
        const Tensor angle = x * (std::numbers::pi * static_cast<double>(1 << level));
        parts.push_back(torch::sin(angle));
        parts.push_back(torch::cos(angle));
    }
    return torch::cat(parts, 2);
}

Tensor window_coordinates(const Tensor& points, const Tensor& lower, double side, Representation representation) {
    NIR_CHECK(points.dim() == 3 && points.size(2) == 3 && lower.dim() == 2 && lower.size(0) == points.size(0));
    const Tensor u = ((points.to(torch::kFloat64) - lower.unsqueeze(1)) / side).to(points.dtype());
    if (representation == Representation::grid) return u;
    const int first = representation == Representation::yz ? 1 : 0;
    const int second = representation == Representation::xy ? 1 : 2;
    return torch::stack({u.select(2, first), u.select(2, second)}, 2);
}

Tensor window_cell_index(const Tensor& points, const Tensor& lower, double side, Representation representation,
                         std::int64_t resolution) {
    const torch::NoGradGuard no_grad;
    const Tensor all = window_coordinates(points, lower, side, Representation::grid);
    const Tensor inside = torch::logical_and(all >= 0, all < 1).all(2);
    const Tensor u =
        representation == Representation::grid ? all : window_coordinates(points, lower, side, representation);
    // Outside values are made harmless before they become whole numbers.
    const Tensor index = cell_index(u.clamp(0, 1 - 1e-7), resolution);
    return torch::where(inside, index, torch::full({}, n_cells(representation, resolution), torch::kInt64));
}

}  // namespace nir::nn
