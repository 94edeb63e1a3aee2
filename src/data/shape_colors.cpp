// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/shape_colors.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nir::data {
namespace {

/// Red, green and blue in 0..1 of a hue in turns.
std::array<double, 3> rgb_of(double hue, double saturation, double value) {
    std::array<double, 3> out{};
    for (std::size_t k = 0; k < 3; ++k) {
        const double turn = std::fmod(5.0 - 2.0 * static_cast<double>(k) + 6 * hue, 6.0);
        out[k] = value * (1 - saturation * std::clamp(std::min(turn, 4 - turn), 0.0, 1.0));
    }
    return out;
}

}  // namespace

std::vector<geom::Rgb8> upright_colors(std::span<const geom::Vec3d> points, Rng& rng) {
    const double hue = rng.uniform(), apart = rng.uniform(0.15, 0.5);
    const auto first = rgb_of(hue, rng.uniform(0.35, 0.85), rng.uniform(0.55, 0.95));
    const auto second = rgb_of(hue + apart, rng.uniform(0.35, 0.85), rng.uniform(0.45, 0.95));
    const std::uint64_t kind = rng.below(3);
    const double bands = static_cast<double>(2 + rng.below(4)), at = rng.uniform(-0.15, 0.15);
    double lo = INFINITY, hi = -INFINITY;
    for (const geom::Vec3d& p : points) lo = std::min(lo, p.y), hi = std::max(hi, p.y);
    const double height = std::max(hi - lo, 1e-12);
    std::vector<geom::Rgb8> out;
    out.reserve(points.size());
    for (const geom::Vec3d& p : points) {
        const double y = (p.y - lo) / height;
        double share = y;
        if (kind == 1) share = std::fmod(std::floor(y * bands), 2.0);
        if (kind == 2) share = y > 0.5 + at ? 1 : 0;
        std::array<std::uint8_t, 3> c{};
        for (std::size_t k = 0; k < 3; ++k)
            c[k] = static_cast<std::uint8_t>(std::lround(255 * (first[k] + share * (second[k] - first[k]))));
        out.push_back({c[0], c[1], c[2]});
    }
    return out;
}

}  // namespace nir::data
