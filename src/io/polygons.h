// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/geometry.h"

#include <cstdint>
#include <span>

namespace nir::io {

/// Appends a polygon as a fan of triangles around its first corner. Corners are valid indices; fewer than three count
/// as skipped.
inline void add_polygon(std::span<const std::int64_t> corners, Geometry& out) {
    ++out.polygons;
    if (corners.size() < 3) {
        ++out.skipped_polygons;
        return;
    }
    const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(corners[i]); };
    for (std::size_t i = 2; i < corners.size(); ++i) out.faces.push_back({at(0), at(i - 1), at(i)});
}

/// Appends triangle strips; -1 starts a new one. Every second triangle is turned so that all face the same way.
inline void add_strips(std::span<const std::int64_t> corners, Geometry& out) {
    std::size_t start = 0;
    for (std::size_t i = 0; i < corners.size(); ++i) {
        if (corners[i] < 0) {
            start = i + 1;
            continue;
        }
        if (i < start + 2) continue;
        const auto a = static_cast<std::uint32_t>(corners[i - 2]), b = static_cast<std::uint32_t>(corners[i - 1]);
        const auto c = static_cast<std::uint32_t>(corners[i]);
        ++out.polygons;
        if (a == b || b == c || a == c) continue;  // strips are glued with flat triangles
        if ((i - start) % 2 == 0)
            out.faces.push_back({a, b, c});
        else
            out.faces.push_back({b, a, c});
    }
}

}  // namespace nir::io
