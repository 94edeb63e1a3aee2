// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/bvh.h"
#include "nir/geom/camera.h"
#include "nir/geom/image.h"
#include "nir/geom/shapes.h"
#include "nir/render/render_view.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace nir::render {

/// A place on a mesh.
struct SurfacePoint {
    geom::Vec3d position{};
    geom::Vec3f normal{};       ///< unit: interpolated over the face (of the face where vertices have none)
    geom::Vec3f face_normal{};  ///< unit, to the outside
    std::uint32_t face = 0;
    float b1 = 0, b2 = 0;  ///< weights of the face's second and third corner
    float t = 0;           ///< distance from where the ray started
};

/// Area-weighted vertex normals of length 1; vertices without faces get {0, 0, 0}.
std::vector<geom::Vec3f> vertex_normals(const geom::TriMesh& mesh);

/// A mesh to cast rays at: opaque, seen from both sides. Queries are const and thread-safe.
class Surface {
public:
    /// Takes the mesh's own normals, or vertex_normals(). @throws Error{input} as TriangleBvh.
    explicit Surface(geom::TriMesh mesh);

    const geom::TriMesh& mesh() const { return mesh_; }
    /// Longest side of the box.
    double size() const { return size_; }

    SurfacePoint at(std::uint32_t face, float b1, float b2) const;
    /// What the ray meets first; the direction has length 1.
    std::optional<SurfacePoint> cast(geom::Vec3d origin, geom::Vec3d direction) const;
    /// True if something lies between a point of the surface and another point. Both ends are left out: 1e-4 of the
    /// mesh's size, at the surface along its face's normal on the side of `to`.
    bool blocked(const SurfacePoint& from, geom::Vec3d to) const;

private:
    geom::TriMesh mesh_;
    geom::TriangleBvh bvh_;
    double size_ = 1;
};

/// What the pixels of a view show of a surface: side * side rays a pixel, on a regular grid.
struct ViewSamples {
    int width = 0, height = 0, side = 1;
    std::vector<SurfacePoint> points;  ///< only rays that hit, in order of the pixels
    std::vector<std::uint32_t> pixel;  ///< one a point
    std::vector<float> depth_scale;    ///< one a pixel: depth along the axis per distance
};
ViewSamples view_samples(const Surface& surface, const geom::Camera& camera, const geom::Pose& world_from_camera,
                         int side);

/// The picture of samples with these colours: mean in linear light over the rays of a pixel that hit, sRGB-encoded,
/// alpha the share of those that hit, laid over the background in sRGB (as photos with transparency are).
/// @param linear_rgb [points, 3], clipped to 0..1 @param background sRGB
RenderedView resolve(const ViewSamples& samples, std::span<const float> linear_rgb,
                     const std::array<float, 3>& background);

/// The same with the straight colours in four channels.
geom::Image8 resolve_rgba(const ViewSamples& samples, std::span<const float> linear_rgb);

}  // namespace nir::render
