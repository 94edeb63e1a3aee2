// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/environment.h"
#include "nir/render/occupancy_grid.h"
#include "nir/render/posed_view.h"
#include "nir/render/radiance_field.h"

#include <array>
#include <vector>

namespace nir::render {

/// How rays walk through the field; training and rendering use the same.
struct MarchOptions {
    double steps_across = 1024;  ///< steps along the diagonal of the innermost cube
    double cone = 0;             ///< growth of the step per distance beyond the near zone; 1/256 for wide scenes
    double near = 0.0;           ///< world units in front of the eye in which nothing is sampled

    kernels::StepRule rule(const FieldFrame& frame) const;
};

struct RenderOptions {
    MarchOptions march;
    std::array<float, 3> background{1, 1, 1};     ///< sRGB
    float stop_at = 1e-3f;                        ///< transmittance at which a ray ends
    const EnvironmentMap* environment = nullptr;  ///< instead of the background, if there is one
    std::array<float, 3> gain{1, 1, 1};           ///< of the photo (photo_corrections.h), on what the scene shows
    bool normals = false;                         ///< also fill RenderedView::normals
};

/// A picture of the field: rows from the top. Colours are sRGB-encoded and contain the background.
struct RenderedView {
    int width = 0, height = 0;
    std::vector<float> rgb;    ///< [pixels, 3]
    std::vector<float> alpha;  ///< opacity
    std::vector<float> depth;  ///< along the optical axis, world units, mean over the weights; 0 where alpha is 0

    /// [pixels, 3], if wanted: where density falls fastest at the front of what the pixel shows, unit vectors of the
    /// world; 0 where less than half is opaque. From differences over a pixel and a half.
    std::vector<float> normals;

    geom::Image8 image() const;  ///< 3 channels, rounded
};

/// Renders on the pool. Pixels without a direction (lens) are background.
RenderedView render_view(const RadianceField& field, const OccupancyGrid& grid, const FieldFrame& frame,
                         const geom::Camera& camera, const geom::Pose& world_from_camera,
                         const RenderOptions& options = {});

/// A photo on a background, in floats: rgb alpha + background (1 - alpha), sRGB.
std::vector<float> on_background(const PosedView& view, const std::array<float, 3>& background);
/// Colours [pixels, 3] in 0..1, rounded to 8 bits.
geom::Image8 to_image(const std::vector<float>& rgb, int width, int height);

/// -10 log10 of the mean squared difference over pixels and channels, both rounded to 8 bits.
/// @param valid one a pixel, 0: leave it out; empty: all count. No pixel at all: NaN.
double psnr(const std::vector<float>& a, const std::vector<float>& b, const std::vector<std::uint8_t>& valid = {});
double psnr(const geom::Image8& a, const geom::Image8& b, const std::vector<std::uint8_t>& valid = {});

}  // namespace nir::render
