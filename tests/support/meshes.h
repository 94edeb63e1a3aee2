// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cmath>
#include <cstdint>
#include <numbers>

namespace nir::testing {

/// Closed outward sphere of 2 * n * (2 n - 2) triangles with its vertices on the radius; n >= 3.
inline geom::TriMesh make_sphere(double radius, std::uint32_t n, geom::Vec3d center = {}) {
    geom::TriMesh m;
    const std::uint32_t rings = n, sectors = 2 * n;
    m.vertices.push_back(center + geom::Vec3d{0, 0, radius});
    for (std::uint32_t i = 1; i < rings; ++i)
        for (std::uint32_t j = 0; j < sectors; ++j) {
            const double a = std::numbers::pi * i / rings, b = 2.0 * std::numbers::pi * j / sectors;
            m.vertices.push_back(
                center + geom::Vec3d{std::sin(a) * std::cos(b), std::sin(a) * std::sin(b), std::cos(a)} * radius);
        }
    m.vertices.push_back(center - geom::Vec3d{0, 0, radius});
    const auto at = [&](std::uint32_t ring, std::uint32_t sector) {
        return 1 + (ring - 1) * sectors + sector % sectors;
    };
    const auto south = static_cast<std::uint32_t>(m.vertices.size() - 1);
    for (std::uint32_t j = 0; j < sectors; ++j) {
        m.faces.push_back({0, at(1, j), at(1, j + 1)});
        for (std::uint32_t i = 1; i + 1 < rings; ++i) {
            m.faces.push_back({at(i, j), at(i + 1, j), at(i + 1, j + 1)});
            m.faces.push_back({at(i, j), at(i + 1, j + 1), at(i, j + 1)});
        }
        m.faces.push_back({south, at(rings - 1, j + 1), at(rings - 1, j)});
    }
    return m;
}

/// Closed outward box of 12 triangles.
inline geom::TriMesh make_box(geom::Vec3d lo, geom::Vec3d hi) {
    geom::TriMesh m;
    for (int i = 0; i < 8; ++i) m.vertices.push_back({i & 1 ? hi.x : lo.x, i & 2 ? hi.y : lo.y, i & 4 ? hi.z : lo.z});
    m.faces = {{0, 2, 3}, {0, 3, 1}, {4, 5, 7}, {4, 7, 6}, {0, 1, 5}, {0, 5, 4},
               {2, 6, 7}, {2, 7, 3}, {0, 4, 6}, {0, 6, 2}, {1, 3, 7}, {1, 7, 5}};
    return m;
}

/// Closed outward torus around the z axis.
inline geom::TriMesh make_torus(double major, double minor, std::uint32_t n_major, std::uint32_t n_minor) {
    geom::TriMesh m;
    for (std::uint32_t i = 0; i < n_major; ++i)
        for (std::uint32_t j = 0; j < n_minor; ++j) {
            const double a = 2.0 * std::numbers::pi * i / n_major, b = 2.0 * std::numbers::pi * j / n_minor;
            const double r = major + minor * std::cos(b);
            m.vertices.push_back({r * std::cos(a), r * std::sin(a), minor * std::sin(b)});
        }
    const auto at = [&](std::uint32_t i, std::uint32_t j) { return i % n_major * n_minor + j % n_minor; };
    for (std::uint32_t i = 0; i < n_major; ++i)
        for (std::uint32_t j = 0; j < n_minor; ++j) {
            m.faces.push_back({at(i, j), at(i + 1, j), at(i + 1, j + 1)});
            m.faces.push_back({at(i, j), at(i + 1, j + 1), at(i, j + 1)});
        }
    return m;
}

/// Appends b to a.
inline void append(geom::TriMesh& a, const geom::TriMesh& b) {
    const auto base = static_cast<std::uint32_t>(a.vertices.size());
    a.vertices.insert(a.vertices.end(), b.vertices.begin(), b.vertices.end());
    for (const auto& f : b.faces) a.faces.push_back({f[0] + base, f[1] + base, f[2] + base});
}

}  // namespace nir::testing
