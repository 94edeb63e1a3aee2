// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/vec.h"

#include <memory>
#include <span>
#include <vector>

namespace nir::data {

using geom::Vec3f;

/// A closed-form solid: a signed distance bound, negative inside. |gradient| is about 1 near the surface for
/// primitives and rigid motions, and stays below lipschitz() for displaced, bent and blended shapes.
class Solid {
public:
    virtual ~Solid() = default;
    /// Evaluates the bound at n points; out is overwritten.
    virtual void eval(const Vec3f* points, std::size_t n, float* out) const = 0;
    /// An upper bound of |gradient|, for safe sphere tracing.
    virtual float lipschitz() const { return 1.0f; }
};

using SolidPtr = std::shared_ptr<const Solid>;

/// Rigid motion: p_child = R^T (p - translation) / scale; rows of `rotation` are the child's axes in the parent frame.
struct Pose {
    Vec3f axis_x{1, 0, 0}, axis_y{0, 1, 0}, axis_z{0, 0, 1};
    Vec3f translation{};
    float scale = 1.0f;
};
Pose random_rotation(Rng& rng);

// Primitives, centred at 0. Sizes in the frame of the caller. Formulas: closed forms derived for each shape.
SolidPtr sphere(float radius);
SolidPtr ellipsoid(Vec3f radii);
SolidPtr rounded_box(Vec3f half_size, float radius);
SolidPtr cylinder(float radius, float half_height, float rounding);  ///< axis z
SolidPtr torus(float major_radius, float minor_radius);              ///< axis z
SolidPtr half_space(Vec3f normal, float offset);                     ///< inside: dot(p, normal) < offset

struct Point2 {
    float x = 0, y = 0;
};
/// A simple polygon in (x, y), extruded along z; `rounding` offsets the result outwards.
SolidPtr extrusion(std::vector<Point2> polygon, float half_height, float rounding);
/// A simple polygon in (radius >= 0, z), revolved about z.
SolidPtr revolution(std::vector<Point2> profile, float rounding);
/// A chain of balls of varying radius, joined by round cones.
SolidPtr tube(std::vector<Vec3f> centers, std::vector<float> radii);

// Operations.
SolidPtr unite(std::vector<SolidPtr> parts);
/// Polynomial smooth minimum with blend width k, folded over the parts in order.
SolidPtr smooth_unite(std::vector<SolidPtr> parts, float k);
SolidPtr intersect(SolidPtr a, SolidPtr b);
SolidPtr subtract(SolidPtr a, SolidPtr b, float k = 0.0f);
SolidPtr shell(SolidPtr a, float half_thickness);
SolidPtr move(SolidPtr a, const Pose& pose);
SolidPtr mirror_x(SolidPtr a);  ///< both sides of x = 0
SolidPtr twist_z(SolidPtr a, float rad_per_length);
SolidPtr bend_x(SolidPtr a, float rad_per_length);
/// Adds amplitude * a sum of random sine waves of wavelength >= `wavelength`.
SolidPtr displace(SolidPtr a, float amplitude, float wavelength, Rng& rng);
/// Sheets of the gyroid, thickness in the same unit as the period.
SolidPtr gyroid(float period, float thickness);

/// Unit outward normals by central differences of step h.
void normals(const Solid& solid, std::span<const Vec3f> points, float h, std::span<Vec3f> out);

/// First-order estimate bound / |gradient| of the signed distance (gradient by differences of step h); the sign is
/// always that of the solid, the size is good near the surface.
void signed_distances(const Solid& solid, std::span<const Vec3f> points, float h, std::span<float> out);

/// Where rays first meet the surface: t[i] is the distance along the unit direction, 0 if the origin is inside,
/// infinity if there is nothing within t_max. Steps are at least `least` long: what is thinner may be missed.
/// @param t [N] as long as origins and directions, overwritten.
void trace_rays(const Solid& solid, std::span<const Vec3f> origins, std::span<const Vec3f> directions, float t_max,
                float least, std::span<float> t);

/// Points spread uniformly by area over the surface inside the ball of `radius` around 0, found where random straight
/// lines cross it (Cauchy-Crofton: the crossings of isotropic random lines are uniform by area).
/// Returns at least `count` points unless the surface is almost empty; then fewer. Ref: Li et al. 2003, "Uniform
/// sampling of surfaces by line intersections".
/// @param area  if given, receives the surface area estimated from the share of lines that crossed.
std::vector<Vec3f> sample_surface(const Solid& solid, float radius, std::size_t count, Rng& rng, float* area = nullptr);

}  // namespace nir::data
