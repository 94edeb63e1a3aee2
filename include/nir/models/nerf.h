// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace nir::models {

/// Where along a ray a neural radiance field is asked; the defaults are those of the Blender scenes.
struct NerfSampling {
    double near = 2, far = 6;  ///< multiples of the ray's direction
    int coarse = 64, fine = 128;
    bool linear_in_disparity = false;  ///< coarse samples even in 1 / depth
    bool white_background = true;
};

/// Rays in the frame of the scene. Directions need not have length 1: depths are multiples of them, and steps are
/// lengths. In NDC (geom::ndc_ray) `viewed` holds the directions before the warp; empty = the directions.
struct NerfRays {
    std::span<const geom::Vec3f> origins, directions, viewed;
};

/// What the rays see.
struct NerfPixels {
    std::vector<float> rgb;      ///< [R, 3], 0..1, as the photos were stored
    std::vector<float> depth;    ///< [R], mean over the weights; times the opacity
    std::vector<float> opacity;  ///< [R], 0..1
};

/// A neural radiance field as it was published: two networks on sines of position and direction, the second one asked
/// where the first saw something. The readable reference beside render/radiance_field.h, which is hundreds of times
/// faster; it reads what others have trained. Ref: mildenhall2020.
class Nerf {
public:
    /// Reads a checkpoint of nerf-pytorch (*.tar) without executing anything. Sizes follow from the weights.
    /// @throws Error input, format naming the file and what is missing or of another shape.
    static Nerf load(const std::filesystem::path& checkpoint);
    ~Nerf();
    Nerf(Nerf&&) noexcept;
    Nerf& operator=(Nerf&&) noexcept;

    /// Renders rays with evenly spread samples (no random numbers), a few thousand at a time.
    /// @throws Error usage for samples that make no sense (near >= far, fewer than two).
    NerfPixels render(const NerfRays& rays, const NerfSampling& sampling) const;

    std::int64_t n_parameters() const;  ///< of both networks
    bool has_fine() const;              ///< else the coarse one is asked twice

private:
    struct Impl;
    explicit Nerf(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::models
