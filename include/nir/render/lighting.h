// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/surface.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::render {

/// A light source in linear light. A point light of colour 1 gives radiance 1 / pi on a white Lambert surface that
/// faces it at distance 1, and falls with the square of the distance; a distant one does so everywhere.
struct LightSource {
    geom::Vec3d position{0, 0, 1};  ///< world; of a distant light: the direction towards it, any length
    bool distant = false;
    std::array<float, 3> color{1, 1, 1};
    double radius =
        0;  ///< of the ball that shines, world units: soft shadows; of a distant light: tangent of its angle

    geom::Vec3d direction_from(geom::Vec3d p) const { return normalized(distant ? position : position - p); }
    /// Irradiance of a surface that faces it, per colour.
    double falloff_at(geom::Vec3d p) const { return distant ? 1.0 : 1.0 / squared_norm(position - p); }
};

/// Share of the light that reaches a point, 0..1: rays to `rays` places of the light's disc as seen from there (one if
/// its radius is 0), turned by a hash of `seed`.
float visible_share(const Surface& surface, const SurfacePoint& point, const LightSource& light, int rays,
                    std::uint64_t seed);

/// Lambert below a dielectric or metallic microfacet layer.
struct Material {
    std::array<float, 3> base{0.8f, 0.8f, 0.8f};  ///< linear
    float roughness = 0.4f;                       ///< 0.02..1; alpha of GGX is its square
    float specular = 0.04f;                       ///< reflectance at normal incidence of the dielectric part
    float metallic = 0;
};

/// Bidirectional reflectance times the cosine of the light: (1 - F)(1 - metallic) base / pi + D G F / (4 n.l n.v), with
/// GGX (Trowbridge-Reitz), height-correlated Smith shadowing and Schlick's Fresnel. 0 where light or eye is below the
/// surface. All vectors unit, away from the surface. Ref: Walter et al. 2007; Heitz 2014.
std::array<float, 3> reflected(const Material& m, geom::Vec3f normal, geom::Vec3f to_eye, geom::Vec3f to_light);

struct LitOptions {
    float ambient = 0;  ///< radiance from everywhere, times the base colour
    bool shadows = true;
    int shadow_rays = 8;  ///< for lights with a radius
};

/// Linear radiance [points, 3] towards the eye. @param base linear colours [points, 3]; empty: the material's
std::vector<float> lit_colors(const Surface& surface, std::span<const SurfacePoint> points, geom::Vec3d eye,
                              std::span<const LightSource> lights, const Material& material,
                              std::span<const float> base, const LitOptions& options = {});

}  // namespace nir::render
