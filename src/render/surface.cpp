// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/surface.h"

#include "nir/base/parallel.h"
#include "nir/render/posed_view.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr double kOffset = 1e-4;  // of the mesh's size: how far rays start from the surface

struct Resolved {
    std::vector<float> rgb, alpha, distance;
    std::vector<Vec3f> normal;
};

// Straight sRGB colours and opacities.
Resolved resolved(const ViewSamples& s, std::span<const float> linear_rgb) {
    const std::size_t n = static_cast<std::size_t>(s.width) * static_cast<std::size_t>(s.height);
    Resolved out{std::vector<float>(3 * n), std::vector<float>(n), std::vector<float>(n), std::vector<Vec3f>(n)};
    std::vector<float> hits(n);
    for (std::size_t i = 0; i < s.points.size(); ++i) {
        const std::size_t p = s.pixel[i];
        hits[p] += 1, out.distance[p] += s.points[i].t, out.normal[p] += s.points[i].normal;
        for (std::size_t k = 0; k < 3; ++k) out.rgb[3 * p + k] += std::clamp(linear_rgb[3 * i + k], 0.0f, 1.0f);
    }
    const auto rays = static_cast<float>(s.side * s.side);
    for (std::size_t p = 0; p < n; ++p) {
        if (hits[p] == 0) continue;
        for (std::size_t k = 0; k < 3; ++k) out.rgb[3 * p + k] = srgb_from_linear(out.rgb[3 * p + k] / hits[p]);
        out.alpha[p] = hits[p] / rays, out.distance[p] /= hits[p];
        out.normal[p] = normalized(out.normal[p]);
    }
    return out;
}

}  // namespace

std::vector<Vec3f> vertex_normals(const geom::TriMesh& mesh) {
    std::vector<Vec3d> sum(mesh.vertices.size());
    for (const geom::Triangle& t : mesh.faces) {
        const Vec3d n = cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]]);
        for (const std::uint32_t v : t) sum[v] += n;
    }
    std::vector<Vec3f> out;
    for (const Vec3d& n : sum) out.push_back(static_cast<Vec3f>(normalized(n)));
    return out;
}

Surface::Surface(geom::TriMesh mesh) : mesh_(std::move(mesh)), bvh_(mesh_) {
    if (mesh_.normals.empty()) mesh_.normals = vertex_normals(mesh_);
    geom::Box3d box;
    for (const geom::Triangle& t : mesh_.faces)
        for (const std::uint32_t v : t) box.extend(mesh_.vertices[v]);
    if (!box.empty()) size_ = box.longest_side();
}

SurfacePoint Surface::at(std::uint32_t face, float b1, float b2) const {
    const geom::Triangle& t = mesh_.faces[face];
    const Vec3d a = mesh_.vertices[t[0]], b = mesh_.vertices[t[1]], c = mesh_.vertices[t[2]];
    SurfacePoint out;
    out.face = face, out.b1 = b1, out.b2 = b2;
    out.position = a + (b - a) * static_cast<double>(b1) + (c - a) * static_cast<double>(b2);
    out.face_normal = static_cast<Vec3f>(normalized(cross(b - a, c - a)));
    out.normal = normalized(mesh_.normals[t[0]] * (1 - b1 - b2) + mesh_.normals[t[1]] * b1 + mesh_.normals[t[2]] * b2);
    if (!(squared_norm(out.normal) > 0.5f)) out.normal = out.face_normal;
    return out;
}

std::optional<SurfacePoint> Surface::cast(Vec3d origin, Vec3d direction) const {
    const geom::RayHit hit = bvh_.cast(origin, direction);
    if (!hit.hit()) return std::nullopt;
    const geom::Triangle& f = mesh_.faces[hit.face];
    const Vec3d a = mesh_.vertices[f[0]], u = mesh_.vertices[f[1]] - a, v = mesh_.vertices[f[2]] - a,
                p = origin + direction * hit.t, n = cross(u, v);
    const double scale = 1 / std::max(squared_norm(n), 1e-300);
    const double b1 = std::clamp(dot(cross(p - a, v), n) * scale, 0.0, 1.0),
                 b2 = std::clamp(dot(cross(u, p - a), n) * scale, 0.0, 1.0 - b1);
    SurfacePoint out = at(hit.face, static_cast<float>(b1), static_cast<float>(b2));
    out.position = p, out.t = static_cast<float>(hit.t);
    return out;
}

bool Surface::blocked(const SurfacePoint& from, Vec3d to) const {
    const double offset = kOffset * size_;
    const Vec3d n = static_cast<Vec3d>(from.face_normal);
    const Vec3d start = from.position + n * (dot(n, to - from.position) >= 0 ? offset : -offset), way = to - start;
    const double length = norm(way);
    if (!(length > offset)) return false;
    return bvh_.cast(start, way / length, length - offset).hit();
}

ViewSamples view_samples(const Surface& surface, const geom::Camera& camera, const geom::Pose& pose, int side) {
    ViewSamples out;
    out.width = camera.width, out.height = camera.height, out.side = side;
    out.depth_scale.assign(static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height), 1);
    std::vector<std::vector<SurfacePoint>> points(static_cast<std::size_t>(camera.height));
    std::vector<std::vector<std::uint32_t>> pixels(points.size());
    parallel_for(points.size(), 4, [&](std::size_t begin, std::size_t end) {
        for (std::size_t y = begin; y < end; ++y)
            for (int x = 0; x < camera.width; ++x) {
                const std::size_t pixel = y * static_cast<std::size_t>(camera.width) + static_cast<std::size_t>(x);
                for (int k = 0; k < side * side; ++k) {
                    const double dx = (k % side + 0.5) / side, dy = (k / side + 0.5) / side;
                    const auto ray = geom::ray_through(camera, pose, {x + dx, static_cast<double>(y) + dy});
                    if (!ray) continue;
                    out.depth_scale[pixel] = static_cast<float>(ray->depth_per_length);
                    if (const auto hit = surface.cast(ray->origin, ray->direction))
                        points[y].push_back(*hit), pixels[y].push_back(static_cast<std::uint32_t>(pixel));
                }
            }
    });
    for (std::size_t y = 0; y < points.size(); ++y) {
        out.points.insert(out.points.end(), points[y].begin(), points[y].end());
        out.pixel.insert(out.pixel.end(), pixels[y].begin(), pixels[y].end());
    }
    return out;
}

RenderedView resolve(const ViewSamples& samples, std::span<const float> linear_rgb,
                     const std::array<float, 3>& background) {
    const Resolved r = resolved(samples, linear_rgb);
    RenderedView out;
    out.width = samples.width, out.height = samples.height, out.alpha = r.alpha, out.rgb = r.rgb;
    out.depth.resize(r.alpha.size());
    for (std::size_t p = 0; p < r.alpha.size(); ++p) {
        for (std::size_t k = 0; k < 3; ++k)
            out.rgb[3 * p + k] = r.rgb[3 * p + k] * r.alpha[p] + background[k] * (1 - r.alpha[p]);
        out.depth[p] = r.distance[p] * samples.depth_scale[p];
        out.normals.insert(out.normals.end(), {r.normal[p].x, r.normal[p].y, r.normal[p].z});
    }
    return out;
}

geom::Image8 resolve_rgba(const ViewSamples& samples, std::span<const float> linear_rgb) {
    const Resolved r = resolved(samples, linear_rgb);
    geom::Image8 out(samples.width, samples.height, 4);
    const auto byte = [](float v) { return static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0f, 1.0f) * 255)); };
    for (std::size_t p = 0; p < r.alpha.size(); ++p) {
        for (std::size_t k = 0; k < 3; ++k) out.data[4 * p + k] = byte(r.rgb[3 * p + k]);
        out.data[4 * p + 3] = byte(r.alpha[p]);
    }
    return out;
}

}  // namespace nir::render
