// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/voxelize.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::geom {
namespace {

using Corners = std::array<Vec3d, 3>;

/// True if the projections of the triangle and of the cube of half side h around 0 onto `axis` are apart.
bool apart(const Corners& t, Vec3d axis, double h) {
    const double r = h * (std::abs(axis.x) + std::abs(axis.y) + std::abs(axis.z));
    const double a = dot(t[0], axis), b = dot(t[1], axis), c = dot(t[2], axis);
    return std::min({a, b, c}) > r || std::max({a, b, c}) < -r;
}

/// Triangle against the cube of half side h around 0. Ref: Akenine-Möller 2001 (separating axes).
bool touches(const Corners& t, double h) {
    constexpr std::array<Vec3d, 3> kAxes = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    const Corners edges = {t[1] - t[0], t[2] - t[1], t[0] - t[2]};
    for (const Vec3d a : kAxes)
        if (apart(t, a, h)) return false;
    if (apart(t, cross(edges[0], edges[1]), h)) return false;
    for (const Vec3d a : kAxes)
        for (const Vec3d e : edges)
            if (apart(t, cross(a, e), h)) return false;
    return true;
}

}  // namespace

VoxelGrid touched_cells(const TriMesh& mesh, Vec3d corner, double side, int cells) {
    NIR_CHECK(side > 0 && cells >= 1 && cells <= 1024 && is_finite(corner));
    const double cell = side / cells;
    VoxelGrid grid;
    grid.size = {cells, cells, cells};
    grid.spacing = {cell, cell, cell};
    grid.origin = corner + grid.spacing / 2.0;
    grid.values.assign(grid.index(cells - 1, cells - 1, cells - 1) + 1, 0.0f);
    const auto index_of = [&](double v) {
        return static_cast<int>(std::clamp(std::floor(v / cell), 0.0, static_cast<double>(cells - 1)));
    };
    for (std::size_t f = 0; f < mesh.faces.size(); ++f) {
        Corners t;
        Box3d box;
        for (std::size_t k = 0; k < 3; ++k) {
            if (mesh.faces[f][k] >= mesh.vertices.size())
                fail(ErrorKind::input, "face {} names vertex {}, but there are only {}", f, mesh.faces[f][k],
                     mesh.vertices.size());
            t[k] = mesh.vertices[mesh.faces[f][k]] - corner;
            box.extend(t[k]);
        }
        if (!is_finite(box.lo) || !is_finite(box.hi)) continue;
        // One cell more to every side: a triangle in the wall between two cells touches both.
        const double e = 1e-9 * side;
        if (box.hi.x < -e || box.hi.y < -e || box.hi.z < -e) continue;
        if (box.lo.x > side + e || box.lo.y > side + e || box.lo.z > side + e) continue;
        for (int i = index_of(box.lo.x - e); i <= index_of(box.hi.x + e); ++i)
            for (int j = index_of(box.lo.y - e); j <= index_of(box.hi.y + e); ++j)
                for (int k = index_of(box.lo.z - e); k <= index_of(box.hi.z + e); ++k) {
                    float& value = grid.values[grid.index(i, j, k)];
                    if (value > 0.0f) continue;
                    const Vec3d center{(i + 0.5) * cell, (j + 0.5) * cell, (k + 0.5) * cell};
                    if (touches({t[0] - center, t[1] - center, t[2] - center}, 0.5 * cell)) value = 1.0f;
                }
    }
    return grid;
}

}  // namespace nir::geom
