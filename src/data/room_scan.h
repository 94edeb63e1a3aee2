// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/scan_simulator.h"

#include <optional>

namespace nir::data {

/// A scan of a room from inside, in the frame of the shape. LiDAR: one to four stations, regular grids of azimuth and
/// elevation (a terrestrial scanner, or 16 to 64 rings), returns lost at grazing angles, noise along the ray. Depth
/// cameras: 4 to 24 views of limited range, holes with ragged edges, lost rims, noise that grows with the distance
/// squared. Outer sides of walls are never seen.
/// @param n points that are wanted; there may be fewer. Nothing if less than options.min_points are seen.
std::optional<SimulatedScan> scan_room(const GeneratedShape& shape, RoomSensor sensor, std::size_t n,
                                       const ScanOptions& options, Rng& rng);

}  // namespace nir::data
