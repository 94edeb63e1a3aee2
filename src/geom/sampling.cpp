// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/sampling.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "geom/grid_cells.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <unordered_set>

namespace nir::geom {
namespace {

constexpr std::size_t kGrain = 8192;

Vec3d area_vector(const TriMesh& mesh, const Triangle& f) {
    const Vec3d a = mesh.vertices[f[0]];
    return cross(mesh.vertices[f[1]] - a, mesh.vertices[f[2]] - a) * 0.5;
}

/// Running sum of the areas; the last entry is the whole.
std::vector<double> cumulative_area(const TriMesh& mesh) {
    std::vector<double> sum(mesh.faces.size());
    double total = 0.0;
    for (std::size_t i = 0; i < mesh.faces.size(); ++i) {
        for (const auto v : mesh.faces[i])
            if (v >= mesh.vertices.size())
                fail(ErrorKind::input, "face {} names vertex {}, but there are only {}", i, v, mesh.vertices.size());
        const double area = norm(area_vector(mesh, mesh.faces[i]));
        if (!std::isfinite(area)) fail(ErrorKind::input, "the area of face {} is not finite", i);
        sum[i] = total += area;
    }
    return sum;
}

}  // namespace

SurfaceSamples sample_surface(const TriMesh& mesh, std::size_t n, Rng& rng) {
    SurfaceSamples out;
    if (n == 0) return out;
    const auto sum = cumulative_area(mesh);
    if (sum.empty() || !(sum.back() > 0.0))
        fail(ErrorKind::input, "the mesh has no surface to sample ({} faces)", mesh.faces.size());
    out.points.resize(n), out.normals.resize(n), out.faces.resize(n);
    std::vector<Rng> streams;  // one per chunk: the same numbers with any number of threads
    for (std::size_t i = 0; i < n; i += kGrain) streams.push_back(rng.split());
    parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
        Rng& r = streams[begin / kGrain];
        for (std::size_t i = begin; i < end; ++i) {
            // upper_bound skips faces without area, whose sum equals the one before.
            const auto at = std::upper_bound(sum.begin(), sum.end(), r.uniform() * sum.back()) - sum.begin();
            const auto face = std::min(static_cast<std::size_t>(at), sum.size() - 1);
            double u = r.uniform(), v = r.uniform();
            if (u + v > 1.0) u = 1.0 - u, v = 1.0 - v;
            const auto& f = mesh.faces[face];
            const Vec3d a = mesh.vertices[f[0]];
            out.points[i] = a + (mesh.vertices[f[1]] - a) * u + (mesh.vertices[f[2]] - a) * v;
            out.normals[i] = Vec3f(normalized(area_vector(mesh, f)));
            out.faces[i] = static_cast<std::uint32_t>(face);
        }
    });
    return out;
}

std::vector<Vec3f> face_normals(const TriMesh& mesh) {
    std::vector<Vec3f> n(mesh.faces.size());
    for (std::size_t i = 0; i < n.size(); ++i) n[i] = Vec3f(normalized(area_vector(mesh, mesh.faces[i])));
    return n;
}

double surface_area(const TriMesh& mesh) {
    const auto sum = cumulative_area(mesh);
    return sum.empty() ? 0.0 : sum.back();
}

double signed_volume(const TriMesh& mesh) {
    if (mesh.faces.empty()) return 0.0;
    const Vec3d o = mesh.vertices[mesh.faces[0][0]];  // near the mesh: geo-referenced coordinates do not cancel
    double volume = 0.0;
    for (const auto& f : mesh.faces)
        volume += dot(mesh.vertices[f[0]] - o, cross(mesh.vertices[f[1]] - o, mesh.vertices[f[2]] - o));
    return volume / 6.0;
}

std::vector<std::uint32_t> random_subset(std::size_t n, std::size_t k, Rng& rng) {
    std::vector<std::uint32_t> out;
    if (k >= n) {
        out.resize(n);
        std::iota(out.begin(), out.end(), 0u);
        return out;
    }
    // Floyd's algorithm: k draws, no array of n.
    std::unordered_set<std::uint32_t> chosen;
    chosen.reserve(2 * k);
    for (std::size_t j = n - k; j < n; ++j) {
        const auto t = static_cast<std::uint32_t>(rng.below(j + 1));
        chosen.insert(chosen.contains(t) ? static_cast<std::uint32_t>(j) : t);
    }
    out.assign(chosen.begin(), chosen.end());
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::uint32_t> farthest_point_subset(std::span<const Vec3d> points, std::size_t k, std::size_t first) {
    std::vector<std::uint32_t> out;
    k = std::min(k, points.size());
    if (k == 0) return out;
    NIR_CHECK(first < points.size());
    out.reserve(k);
    std::vector<double> d2(points.size(), std::numeric_limits<double>::infinity());
    const std::size_t n_chunks = (points.size() + kGrain - 1) / kGrain;
    std::vector<std::size_t> best(n_chunks);  // of each chunk
    std::size_t current = first;
    for (;;) {
        out.push_back(static_cast<std::uint32_t>(current));
        if (out.size() == k) return out;
        const Vec3d c = points[current];
        d2[current] = -1.0;
        parallel_for(points.size(), kGrain, [&](std::size_t begin, std::size_t end) {
            std::size_t far = begin;
            for (std::size_t i = begin; i < end; ++i) {
                d2[i] = std::min(d2[i], squared_norm(points[i] - c));
                if (d2[i] > d2[far]) far = i;
            }
            best[begin / kGrain] = far;
        });
        current =
            *std::max_element(best.begin(), best.end(), [&](std::size_t a, std::size_t b) { return d2[a] < d2[b]; });
    }
}

std::vector<CellPoint> sort_into_cells(std::span<const Vec3d> points, double cell) {
    if (!(cell > 0.0) || !std::isfinite(cell)) fail(ErrorKind::usage, "a grid cell of side {} is not positive", cell);
    Box3d box;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (!is_finite(points[i])) fail(ErrorKind::input, "point {} is not finite", i);
        box.extend(points[i]);
    }
    if (points.empty()) return {};
    if (!(box.longest_side() / cell < 2147483000.0))
        fail(ErrorKind::usage, "a grid cell of side {} is too small for points {} apart", cell, box.longest_side());
    std::vector<CellPoint> out(points.size());
    parallel_for(points.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i)
            out[i] = {Vec3i((points[i] - box.lo) / cell), static_cast<std::uint32_t>(i)};
    });
    std::sort(out.begin(), out.end(), [](const CellPoint& a, const CellPoint& b) {
        return std::tie(a.cell.x, a.cell.y, a.cell.z, a.point) < std::tie(b.cell.x, b.cell.y, b.cell.z, b.point);
    });
    return out;
}

std::vector<std::uint32_t> voxel_subset(std::span<const Vec3d> points, double cell) {
    const auto sorted = sort_into_cells(points, cell);
    std::vector<std::uint32_t> out;
    for (std::size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
        Vec3d mean{};
        const Vec3d o = points[sorted[begin].point];
        for (end = begin; end < sorted.size() && sorted[end].cell == sorted[begin].cell; ++end)
            mean += points[sorted[end].point] - o;
        mean = o + mean / static_cast<double>(end - begin);
        std::uint32_t best = sorted[begin].point;
        for (std::size_t i = begin + 1; i < end; ++i)
            if (squared_norm(points[sorted[i].point] - mean) < squared_norm(points[best] - mean))
                best = sorted[i].point;
        out.push_back(best);
    }
    std::sort(out.begin(), out.end());
    return out;
}

PointCloud select(const PointCloud& cloud, std::span<const std::uint32_t> indices) {
    PointCloud out;
    const auto pick = [&indices](const auto& from, auto& to) {
        if (from.empty()) return;
        to.reserve(indices.size());
        for (const auto i : indices) to.push_back(from.at(i));
    };
    pick(cloud.points, out.points);
    pick(cloud.normals, out.normals);
    pick(cloud.colors, out.colors);
    pick(cloud.sensors, out.sensors);
    return out;
}

}  // namespace nir::geom
