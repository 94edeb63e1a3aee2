// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <filesystem>
#include <vector>

namespace nir::pipeline {

/// Reads where the sensors of `n_points` points stood, from an NPZ file beside the scan: `stations` (or `origins`)
/// [S, 3] and `station` (or `view`) [N], the row of the station that saw each point; or `sensors` [N, 3]. One station
/// needs no `station`.
/// @return [N] @throws Error input, format with the file's name: arrays missing, or not as many as there are points.
std::vector<geom::Vec3d> read_sensors(const std::filesystem::path& file, std::size_t n_points);

/// Adds a scan to another: points, and colours if both have them. Points of scans without sensors get positions that
/// are not finite (unknown, geom/sensors.h) if another scan has sensors.
void append_scan(geom::PointCloud& scan, geom::PointCloud&& part);

}  // namespace nir::pipeline
