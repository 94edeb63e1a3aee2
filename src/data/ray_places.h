// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

namespace nir::data {

inline constexpr double kRayPadding = 0.1;  ///< of the cube that rays are followed through

/// Where o + t d lies in the cube of this side around 0, t >= 0.
inline std::optional<std::array<double, 2>> interval(geom::Vec3d o, geom::Vec3d d, double side) {
    double near = 0, far = INFINITY;
    for (int a = 0; a < 3; ++a) {
        if (d[a] == 0) {
            if (std::abs(o[a]) > 0.5 * side) return {};
            continue;
        }
        const double t0 = (-0.5 * side - o[a]) / d[a], t1 = (0.5 * side - o[a]) / d[a];
        near = std::max(near, std::min(t0, t1)), far = std::min(far, std::max(t0, t1));
    }
    if (!(near < far)) return {};
    return std::array{near, far};
}

inline void append(std::vector<float>& to, geom::Vec3d p) {
    for (int a = 0; a < 3; ++a) to.push_back(static_cast<float>(p[a]));
}

}  // namespace nir::data
