// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/evaluation_parts.h"

#include "nir/base/error.h"
#include "nir/geom/sampling.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace nir::geom {
namespace {

TriMesh without_degenerate_faces(const TriMesh& mesh) {
    TriMesh out{mesh.vertices, {}, {}, {}, {}};
    for (const auto& f : mesh.faces)
        if (f[0] != f[1] && f[1] != f[2] && f[2] != f[0]) out.faces.push_back(f);
    return out;
}

void check_finite(std::span<const Vec3d> points, std::string_view what) {
    for (std::size_t i = 0; i < points.size(); ++i)
        if (!is_finite(points[i])) fail(ErrorKind::input, "{} {} is not finite", what, i);
}

}  // namespace

TriMesh merge_equal_vertices(const TriMesh& mesh) {
    std::vector<std::uint32_t> order(mesh.vertices.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto key = [&](std::uint32_t i) {
        const Vec3d& p = mesh.vertices[i];
        return std::tie(p.x, p.y, p.z);
    };
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    std::vector<std::uint32_t> first(mesh.vertices.size());  // first vertex at the same place
    for (std::size_t i = 0; i < order.size(); ++i)
        first[order[i]] = i > 0 && key(order[i]) == key(order[i - 1]) ? first[order[i - 1]] : order[i];

    constexpr std::uint32_t kUnused = 0xffffffff;
    std::vector<std::uint32_t> number(mesh.vertices.size(), kUnused);
    TriMesh out;
    for (const auto& face : mesh.faces) {
        Triangle f = {first[face[0]], first[face[1]], first[face[2]]};
        if (f[0] == f[1] || f[1] == f[2] || f[2] == f[0]) continue;
        for (auto& v : f) {
            if (number[v] == kUnused) {
                number[v] = static_cast<std::uint32_t>(out.vertices.size());
                out.vertices.push_back(mesh.vertices[v]);
            }
            v = number[v];
        }
        out.faces.push_back(f);
    }
    return out;
}

MeasuredShape measure_shape(const EvaluationShape& shape, std::size_t samples, Rng rng) {
    MeasuredShape out;
    if (const auto* cloud = std::get_if<PointCloud>(&shape)) {
        check_finite(cloud->points, "point");
        const auto chosen = random_subset(cloud->size(), samples == 0 ? cloud->size() : samples, rng);
        auto subset = select(*cloud, chosen);
        out.points = std::move(subset.points), out.normals = std::move(subset.normals);
        return out;
    }
    const auto& mesh = std::get<TriMesh>(shape);
    out.report = check_mesh(mesh);  // also refuses faces that name missing vertices
    check_finite(mesh.vertices, "vertex");
    if (mesh.faces.empty() || !(surface_area(mesh) > 0.0)) return out;
    out.mesh = without_degenerate_faces(mesh);
    out.report = check_mesh(out.mesh);
    if (!out.report.closed) {
        out.mesh = merge_equal_vertices(mesh);
        out.report = check_mesh(out.mesh);
    }
    auto drawn = sample_surface(out.mesh, samples, rng);
    out.points = std::move(drawn.points), out.normals = std::move(drawn.normals);
    out.bvh = std::make_shared<const TriangleBvh>(out.mesh);
    return out;
}

VolumeSamples stratified_volume(const Box3d& truth, double unit, std::size_t n, Rng rng) {
    const Vec3d c = truth.lo + truth.size() * 0.5, half = Vec3d{0.55, 0.55, 0.55} * unit;
    const Box3d cube{c - half, c + half};
    const Box3d near{max(truth.padded(0.05 * unit).lo, cube.lo), min(truth.padded(0.05 * unit).hi, cube.hi)};
    const auto volume = [](const Box3d& b) { return b.size().x * b.size().y * b.size().z; };
    const auto draw = [&rng](const Box3d& b) {
        return Vec3d{rng.uniform(b.lo.x, b.hi.x), rng.uniform(b.lo.y, b.hi.y), rng.uniform(b.lo.z, b.hi.z)};
    };
    const double near_volume = volume(near), rest = volume(cube) - near_volume;
    const bool has_rest = rest > 1e-9 * volume(cube);
    const std::size_t n_near = has_rest ? n * 4 / 5 : n, n_rest = n - n_near;
    VolumeSamples out;
    out.points.reserve(n), out.weights.reserve(n);
    for (std::size_t i = 0; i < n_near; ++i) {
        out.points.push_back(draw(near));
        out.weights.push_back(near_volume / static_cast<double>(n_near));
    }
    while (out.points.size() < n_near + n_rest) {
        const Vec3d p = draw(cube);
        if (near.contains(p)) continue;
        out.points.push_back(p);
        out.weights.push_back(rest / static_cast<double>(n_rest));
    }
    return out;
}

VolumeSamples uniform_volume(double unit, std::size_t n, Rng rng) {
    VolumeSamples out;
    out.points.resize(n);
    for (auto& p : out.points) {
        const double x = rng.uniform(-0.55, 0.55), y = rng.uniform(-0.55, 0.55), z = rng.uniform(-0.55, 0.55);
        p = Vec3d{x, y, z} * unit;
    }
    out.weights.assign(n, 1.0);
    return out;
}

}  // namespace nir::geom
