// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/timer.h"
#include "nir/extract/extract_mesh.h"
#include "nir/extract/grid_field.h"
#include "nir/extract/marching_cubes.h"

#include "extract/vertex_refine.h"

#include <algorithm>
#include <cmath>

namespace nir::extract {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

namespace {

void check_grid(const geom::VoxelGrid& grid) {
    const auto& s = grid.size;
    const auto& h = grid.spacing;
    if (s.x < 1 || s.y < 1 || s.z < 1)
        fail(ErrorKind::input, "a volume of {} x {} x {} samples is empty", s.x, s.y, s.z);
    if (grid.values.size() != grid.index(s.x - 1, s.y - 1, s.z - 1) + 1) {
        fail(ErrorKind::input, "a volume of {} x {} x {} samples comes with {} values", s.x, s.y, s.z,
             grid.values.size());
    }
    if (!(h.x > 0 && h.y > 0 && h.z > 0) || !geom::is_finite(h)) {
        fail(ErrorKind::input, "the spacing of a volume must be positive, not {} {} {}", h.x, h.y, h.z);
    }
    for (std::size_t i = 0; i < grid.values.size(); ++i) {
        if (!std::isnan(grid.values[i])) continue;
        const auto nz = static_cast<std::size_t>(s.z), plane = nz * static_cast<std::size_t>(s.y);
        fail(ErrorKind::input, "the volume is not a number at sample ({}, {}, {})", i / plane, i % plane / nz, i % nz);
    }
}

void set_grid_normals(const geom::VoxelGrid& grid, ExtractResult& result, std::span<const LatticeEdge> edges) {
    auto& mesh = result.mesh;
    mesh.normals = mean_face_normals(mesh);
    if (std::min({grid.size.x, grid.size.y, grid.size.z}) < 2) return;
    parallel_for(mesh.vertices.size(), 4096, [&](std::size_t begin, std::size_t end) {
        for (std::size_t v = begin; v < end; ++v) {
            if (edges[v].is_border(grid.size)) continue;
            const Vec3d p = mesh.vertices[v] - grid.origin;
            const Vec3f g =
                interpolate_gradient(grid, {p.x / grid.spacing.x, p.y / grid.spacing.y, p.z / grid.spacing.z});
            const Vec3f n = Vec3f(-geom::normalized(Vec3d(g)));
            if (geom::is_finite(n) && n != Vec3f{}) mesh.normals[v] = n;
        }
    });
}

}  // namespace

ExtractResult extract_mesh(const geom::VoxelGrid& grid, const GridExtractOptions& options) {
    if (!std::isfinite(options.level))
        fail(ErrorKind::config, "the level of a surface must be finite, not {}", options.level);
    check_grid(grid);
    const Timer timer;
    ExtractResult result;
    const Vec3d last = Vec3d{grid.size.x - 1.0, grid.size.y - 1.0, grid.size.z - 1.0} * grid.spacing;
    result.lattice = {{grid.origin, grid.origin + last}, grid.size - Vec3i{1, 1, 1}};
    result.level = options.level;
    const auto [lowest, highest] = std::minmax_element(grid.values.begin(), grid.values.end());
    result.lowest = *lowest, result.highest = *highest;
    result.lattice_bytes = grid.values.size() * sizeof(float);
    MarchingCubesOptions mc;
    mc.level = options.level;
    if (options.close_border) mc.pad_value = options.level - 1e6 * std::max(1.0, std::abs(options.level));
    mc.clamp = options.clamp;
    mc.origin = grid.origin, mc.spacing = grid.spacing;
    mc.keep_edges = options.normals;
    auto surface = marching_cubes(std::span<const float>(grid.values), grid.size, mc);
    result.mesh = std::move(surface.mesh);
    if (options.normals) set_grid_normals(grid, result, surface.edges);
    result.report = geom::check_mesh(result.mesh);
    result.extract_s = timer.seconds();
    return result;
}

}  // namespace nir::extract
