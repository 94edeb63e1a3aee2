// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/shape_generator.h"

namespace nir::data {

/// What looked at a room from inside; none for scans that are not of this kind.
enum class RoomSensor { none, lidar, depth };

/// How a shape was turned into a point cloud, for logs and tests.
struct SimulatedScan {
    std::vector<Vec3f> points;
    float spacing = 0;  ///< sqrt(area / number of points), in the shape's units
    float noise = 0;    ///< standard deviation per coordinate (of rooms from inside: along the ray), the same units
    bool from_views = false;
    RoomSensor sensor = RoomSensor::none;
    std::vector<Vec3f> sensors;  ///< of rooms from inside: where each of the first points was seen from
};

struct ScanOptions {
    std::size_t min_points = 300, max_points = 20000;  ///< drawn uniformly in the logarithm
    double noise_free_share = 0.25;
    double max_noise_spacings = 0.6;  ///< noise standard deviation, in units of the spacing
    double views_share = 0.25;        ///< simulated depth cameras: occluded parts are missing
    double uneven_share = 0.2;        ///< density varies by up to a factor 10 over the shape
    double missing_share = 0.1;       ///< a patch is cut out
    double outlier_share = 0.1;       ///< up to 1.5 % of the points are scattered in the box
    double lidar_share = 0.4;         ///< of the scans of rooms: stations inside
    double depth_share = 0.25;        ///< of the scans of rooms: depth cameras inside
};

/// Draws a scan of the shape from its surface pool. The pool must hold enough points: shape.surface.size() is an upper
/// bound of the number of points. Deterministic in rng.
SimulatedScan simulate_scan(const GeneratedShape& shape, const ScanOptions& options, Rng& rng);

}  // namespace nir::data
