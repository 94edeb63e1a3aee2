// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/sensors.h"

#include "nir/base/error.h"

#include <map>
#include <tuple>

namespace nir::geom {

Sensors group_sensors(std::span<const Vec3d> of_points) {
    Sensors s;
    s.of_point.reserve(of_points.size());
    std::map<std::tuple<double, double, double>, std::uint32_t> known;
    for (const Vec3d& p : of_points) {
        if (!is_finite(p)) {
            s.of_point.push_back(Sensors::kUnknownSensor);
            continue;
        }
        if (s.of_point.empty() || !s.knows(s.of_point.size() - 1) || s.positions[s.of_point.back()] != p) {
            const auto next = static_cast<std::uint32_t>(s.positions.size());
            const auto [at, fresh] = known.try_emplace({p.x, p.y, p.z}, next);
            if (fresh) s.positions.push_back(p);
            s.of_point.push_back(at->second);
        } else {
            s.of_point.push_back(s.of_point.back());
        }
    }
    if (s.positions.empty()) s.of_point.clear();
    return s;
}

std::vector<Vec3f> Sensors::directions(std::span<const Vec3f> points) const {
    NIR_CHECK(of_point.size() == points.size());
    std::vector<Vec3f> out;
    out.reserve(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) out.push_back(direction(i, Vec3d(points[i])));
    return out;
}

std::vector<Vec3f> Sensors::directions(std::span<const Vec3f> points, std::span<const std::uint32_t> which) const {
    NIR_CHECK(of_point.size() == points.size());
    std::vector<Vec3f> out;
    out.reserve(which.size());
    for (const auto i : which) out.push_back(direction(i, Vec3d(points[i])));
    return out;
}

}  // namespace nir::geom
