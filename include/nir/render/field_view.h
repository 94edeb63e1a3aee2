// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/scalar_field.h"
#include "nir/geom/camera.h"
#include "nir/geom/shapes.h"
#include "nir/render/render_view.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace nir::render {

/// Cells of a lattice over a field's domain in which it may reach a level: those with a corner no farther below it than
/// the field rises along the steepest edge of the cells around, half as much again. The rest, most of the space around
/// a shape, rays pass without asking. What is thinner than a cell and rises out of flat surroundings can be missed.
class SurfaceBand {
public:
    /// @param cells a side, 1 to 1024; asks the field at (cells + 1)^3 points
    explicit SurfaceBand(const extract::ScalarField& field, float level, int cells = 64);
    /// Whether the cell of a point is one of them. @param p field frame; outside of the domain: the nearest cell's
    bool contains(geom::Vec3f p) const;
    /// Of the domain that they fill.
    double share() const;

private:
    static std::size_t cell_count(int cells);

    int cells_;
    geom::Box3f box_;
    std::vector<std::uint8_t> inside_;  ///< x fastest
};

struct FieldViewOptions {
    int steps = 256;      ///< samples along a ray through the field's domain, both ends included; at least 2
    int refinements = 8;  ///< of regula falsi
    int rays = 1;         ///< a side of a pixel where neighbours differ; one elsewhere
    std::array<float, 3> background{1, 1, 1};  ///< sRGB
    bool normals = false;                      ///< also fill RenderedView::normals
    const SurfaceBand* band = nullptr;         ///< where samples are asked; none: everywhere
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
