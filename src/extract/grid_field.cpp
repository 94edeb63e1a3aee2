// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/grid_field.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace nir::extract {

using geom::Vec3d;
using geom::Vec3f;

GridField::GridField(geom::VoxelGrid grid, float iso) : grid_(std::move(grid)), iso_(iso) {
    const auto& s = grid_.size;
    if (s.x < 2 || s.y < 2 || s.z < 2) {
        fail(ErrorKind::input, "a volume of {} x {} x {} samples has no inside to interpolate", s.x, s.y, s.z);
    }
    if (grid_.values.size() != grid_.index(s.x - 1, s.y - 1, s.z - 1) + 1) {
        fail(ErrorKind::input, "a volume of {} x {} x {} samples comes with {} values", s.x, s.y, s.z,
             grid_.values.size());
    }
    const auto& h = grid_.spacing;
    if (!(h.x > 0 && h.y > 0 && h.z > 0))
        fail(ErrorKind::input, "the spacing of a volume must be positive, not {} {} {}", h.x, h.y, h.z);
}

geom::Box3f GridField::domain() const {
    const auto& s = grid_.size;
    const Vec3d last = Vec3d{s.x - 1.0, s.y - 1.0, s.z - 1.0} * grid_.spacing;
    return {Vec3f(grid_.origin), Vec3f(grid_.origin + last)};
}

Vec3d GridField::index_of(Vec3f p) const {
    const Vec3d d = Vec3d(p) - grid_.origin;
    return {d.x / grid_.spacing.x, d.y / grid_.spacing.y, d.z / grid_.spacing.z};
}

float interpolate(const geom::VoxelGrid& grid, Vec3d index) {
    if (!geom::is_finite(index)) return std::numeric_limits<float>::quiet_NaN();
    int i[3];
    double t[3];
    for (int a = 0; a < 3; ++a) {
        const double x = std::clamp(index[a], 0.0, grid.size[a] - 1.0);
        i[a] = std::min(static_cast<int>(x), grid.size[a] - 2);
        t[a] = x - i[a];
    }
    const auto line = [&](int x, int y) {
        const float* v = grid.values.data() + grid.index(x, y, i[2]);
        return static_cast<double>(v[0]) * (1 - t[2]) + static_cast<double>(v[1]) * t[2];
    };
    const auto face = [&](int x) { return line(x, i[1]) * (1 - t[1]) + line(x, i[1] + 1) * t[1]; };
    return static_cast<float>(face(i[0]) * (1 - t[0]) + face(i[0] + 1) * t[0]);
}

Vec3f interpolate_gradient(const geom::VoxelGrid& grid, Vec3d index) {
    Vec3f gradient;
    for (int a = 0; a < 3; ++a) {
        const double last = grid.size[a] - 1.0;
        Vec3d lo = index, hi = index;
        lo[a] = std::clamp(index[a] - 1, 0.0, last), hi[a] = std::clamp(index[a] + 1, 0.0, last);
        const double rise = static_cast<double>(interpolate(grid, hi)) - static_cast<double>(interpolate(grid, lo));
        const double run = (hi[a] - lo[a]) * grid.spacing[a];
        gradient[a] = run > 0 ? static_cast<float>(rise / run) : 0.0f;
    }
    return gradient;
}

void GridField::values(std::span<const Vec3f> points, std::span<float> out) const {
    NIR_CHECK(points.size() == out.size());
    parallel_for(points.size(), 4096, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = interpolate(grid_, index_of(points[i]));
    });
}

void GridField::gradients(std::span<const Vec3f> points, std::span<Vec3f> out) const {
    NIR_CHECK(points.size() == out.size());
    parallel_for(points.size(), 2048, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = interpolate_gradient(grid_, index_of(points[i]));
    });
}

FunctionField::FunctionField(Function f, geom::Box3f domain, float iso)
    : f_(std::move(f)), domain_(domain), iso_(iso) {}

void FunctionField::values(std::span<const Vec3f> points, std::span<float> out) const {
    NIR_CHECK(points.size() == out.size());
    parallel_for(points.size(), 4096, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = f_(points[i]);
    });
}

}  // namespace nir::extract
