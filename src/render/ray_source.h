// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/splitmix.h"
#include "nir/kernels/ray_march.h"
#include "nir/render/posed_view.h"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace nir::render {

/// Numbers in [0, 1) from a key and a counter: any ray can be made on any thread.
class RayRandom {
public:
    RayRandom(std::uint64_t seed, std::uint64_t step, std::uint64_t ray)
        : state_(splitmix64(seed ^ splitmix64(step ^ splitmix64(ray)))) {}
    float uniform() {
        state_ = splitmix64(state_);
        return static_cast<float>(state_ >> 40) * 0x1p-24f;
    }

private:
    std::uint64_t state_;
};

/// A view in the field's frame: one ray a pixel.
class ViewRays {
public:
    ViewRays(const geom::Camera& camera, const geom::Pose& pose, const FieldFrame& frame,
             std::shared_ptr<const geom::PixelDirections> directions);

    int width() const { return directions_->width; }
    int height() const { return directions_->height; }
    /// The ray of a pixel from `near` (field units) on, with t at the entry of the grid; t >= end: it never enters, or
    /// the lens has no direction there.
    kernels::MarchingRay ray(std::size_t pixel, const kernels::OccupancyView& grid, float near) const;
    /// z-depth of a point at distance 1 along the ray.
    float depth_per_length(std::size_t pixel) const { return -directions_->directions[pixel].z; }

private:
    std::array<float, 3> origin_{};
    std::array<std::array<float, 3>, 3> rotation_{};  ///< columns right, up, back
    std::shared_ptr<const geom::PixelDirections> directions_;
};

}  // namespace nir::render
