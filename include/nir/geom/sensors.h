// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace nir::geom {

/// Where the sensors stood that saw the points of a scan: a few places, and which of them saw each point. A point may
/// have none (kUnknownSensor). Empty: nothing is known.
struct Sensors {
    static constexpr std::uint32_t kUnknownSensor = std::numeric_limits<std::uint32_t>::max();

    std::vector<Vec3d> positions;         ///< [S], in the frame of the points
    std::vector<std::uint32_t> of_point;  ///< [N] index into positions, or kUnknownSensor

    bool empty() const { return positions.empty(); }
    bool knows(std::size_t point) const { return !empty() && of_point[point] != kUnknownSensor; }
    /// Unit vector from a place to the sensor of a point; zero if it has none, or if the sensor is there.
    Vec3f direction(std::size_t point, Vec3d place) const {
        return knows(point) ? Vec3f(normalized(positions[of_point[point]] - place)) : Vec3f{};
    }
    /// The same for points themselves. @param points [N]
    std::vector<Vec3f> directions(std::span<const Vec3f> points) const;
    /// For some of the points. @param which [M] indices into points  @return [M]
    std::vector<Vec3f> directions(std::span<const Vec3f> points, std::span<const std::uint32_t> which) const;
};

/// Finds the places among the positions that a PointCloud has for each point (equal to the last bit are one).
/// @param of_points [N], or empty; a position that is not finite means that it is not known
Sensors group_sensors(std::span<const Vec3d> of_points);

}  // namespace nir::geom
