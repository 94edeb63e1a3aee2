// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "render/ray_source.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

std::array<float, 3> floats(geom::Vec3d v) {
    return {static_cast<float>(v.x), static_cast<float>(v.y), static_cast<float>(v.z)};
}

}  // namespace

ViewRays::ViewRays(const geom::Camera&, const geom::Pose& pose, const FieldFrame& frame,
                   std::shared_ptr<const geom::PixelDirections> directions)
    : origin_(floats(frame.field_from_world(pose.position))),
      rotation_{floats(pose.right), floats(pose.up), floats(pose.back)},
      directions_(std::move(directions)) {}

kernels::MarchingRay ViewRays::ray(std::size_t pixel, const kernels::OccupancyView& grid, float near) const {
    const geom::Vec3f d = directions_->directions[pixel];
    kernels::MarchingRay out;
    out.origin = origin_;
    float squared = 0;
    for (std::size_t a = 0; a < 3; ++a) {
        out.direction[a] = rotation_[0][a] * d.x + rotation_[1][a] * d.y + rotation_[2][a] * d.z;
        squared += out.direction[a] * out.direction[a];
    }
    if (squared < 0.5f) return out;
    const float scale = 1 / std::sqrt(squared);
    for (float& v : out.direction) v *= scale;
    const auto inside = kernels::ray_in_cube(grid, out.origin, out.direction);
    out.t = std::max(inside.begin, near), out.end = inside.end;
    return out;
}

}  // namespace nir::render
