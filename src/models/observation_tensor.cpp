// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/observation_tensor.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/geom/image_resize.h"

#include <algorithm>
#include <cmath>

namespace nir::models {

using torch::Tensor;

namespace {

Tensor points_tensor(const geom::PointCloud& cloud) {
    if (cloud.empty()) fail(ErrorKind::input, "the observation holds no points");
    Tensor t = torch::empty({1, static_cast<std::int64_t>(cloud.size()), 3}, torch::kFloat32);
    float* p = t.data_ptr<float>();
    for (std::size_t i = 0; i < cloud.size(); ++i) {
        if (!geom::is_finite(cloud.points[i])) fail(ErrorKind::input, "point {} of the observation is not finite", i);
        for (int k = 0; k < 3; ++k) *p++ = static_cast<float>(cloud.points[i][k]);
    }
    return t;
}

/// A copy of values that must all be finite.
Tensor values_tensor(const std::vector<float>& values, std::initializer_list<std::int64_t> shape, const char* what) {
    std::size_t n = 1;
    for (const std::int64_t s : shape) n *= static_cast<std::size_t>(s);
    if (values.empty() || values.size() != n) fail(ErrorKind::input, "the {} is empty", what);
    if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); }))
        fail(ErrorKind::input, "the {} holds values that are not finite", what);
    Tensor t = torch::empty(torch::IntArrayRef(shape.begin(), shape.size()), torch::kFloat32);
    std::ranges::copy(values, t.data_ptr<float>());
    return t;
}

Tensor image_tensor(const geom::RgbImage& image, std::int64_t size) {
    const Tensor t = values_tensor(image.data, {1, 3, image.height, image.width}, "image");
    if (size == 0 || (image.width == size && image.height == size)) return t;
    const geom::RgbImage square = geom::resize_to_square(image, static_cast<int>(size));  // as in training
    log_info("the image of {} x {} pixels was resized and cropped to {} x {}", image.width, image.height, size, size);
    return values_tensor(square.data, {1, 3, size, size}, "image");
}

}  // namespace

Tensor observation_tensor(const Observation& observation, ObservationKind wanted, std::int64_t image_size) {
    expect_kind(observation, wanted);
    switch (wanted) {
        case ObservationKind::none:
            break;
        case ObservationKind::points:
            return points_tensor(std::get<geom::PointCloud>(observation));
        case ObservationKind::voxels: {
            const auto& grid = std::get<geom::VoxelGrid>(observation);
            return values_tensor(grid.values, {1, grid.size.x, grid.size.y, grid.size.z}, "voxel grid");
        }
        case ObservationKind::image:
            return image_tensor(std::get<geom::RgbImage>(observation), image_size);
        case ObservationKind::index:
            return torch::full({1}, std::get<ShapeIndex>(observation).value, torch::kInt64);
    }
    return torch::empty({1, 0});
}

}  // namespace nir::models
