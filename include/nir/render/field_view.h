// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/scalar_field.h"
#include "nir/geom/camera.h"
#include "nir/geom/shapes.h"
#include "nir/render/render_view.h"

#include <array>
#include <optional>

namespace nir::render {

struct FieldViewOptions {
    int steps = 256;      ///< samples along a ray through the field's domain, both ends included; at least 2
    int refinements = 8;  ///< of regula falsi
    int rays = 1;         ///< a side of a pixel
    std::array<float, 3> background{1, 1, 1};  ///< sRGB
    bool normals = false;                      ///< also fill RenderedView::normals
};

/// A picture of the level set {f = level} of a field: each ray is followed through the domain to the first place where
/// it enters f >= level, as differentiable volumetric rendering does. A ray that starts inside shows where the domain
/// cuts the shape. Colours: the field's own (extract::ColorSource), else grey below a light at the eye. Depth: along
/// the optical axis, of the first of a pixel's rays that hits.
/// @param frame the cameras' world from the field's frame; nothing: they are one.
RenderedView render_field(const extract::ScalarField& field, float level, const std::optional<geom::Frame>& frame,
                          const geom::Camera& camera, const geom::Pose& world_from_camera,
                          const FieldViewOptions& options = {});

}  // namespace nir::render
