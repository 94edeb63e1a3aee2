// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace nir::io {

/// Rounds and clamps to 0..255; NaN becomes 0.
inline std::uint8_t to_byte(double v) { return v >= 255 ? 255 : v > 0 ? static_cast<std::uint8_t>(v + 0.5) : 0; }

/// What colours given as numbers are multiplied by: 0..1, or 0..255 if any of them is above 1.
inline double color_scale(float largest) { return largest > 1.0f ? 1.0 : 255.0; }
inline float largest_of(const std::vector<geom::Vec3f>& colors) {
    float largest = 0;
    for (const geom::Vec3f& c : colors) largest = std::max({largest, c.x, c.y, c.z});
    return largest;
}
inline std::vector<geom::Rgb8> to_rgb8(const std::vector<geom::Vec3f>& colors, double scale) {
    const auto byte = [scale](float v) { return to_byte(scale * static_cast<double>(v)); };
    std::vector<geom::Rgb8> out;
    out.reserve(colors.size());
    for (const geom::Vec3f& c : colors) out.push_back({byte(c.x), byte(c.y), byte(c.z)});
    return out;
}
inline std::vector<geom::Rgb8> to_rgb8(const std::vector<geom::Vec3f>& colors) {
    return to_rgb8(colors, color_scale(largest_of(colors)));
}

}  // namespace nir::io
