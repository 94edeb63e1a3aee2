// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"
#include "nir/io/array.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace nir::pipeline {

/// Where the sensors of a scan's points stood, from an NPZ file beside the scan: `stations` (or `origins`) [S, 3] and
/// `station` (or `view`) [N], the row of the station that saw each point; or `sensors` [N, 3]. One station needs no
/// `station`. In memory as in the file: 1 to 8 bytes a point, or 12 to 24.
class SensorTable {
public:
    /// What reading a file takes for a moment, at most; of its directory only, but the file is read.
    static std::uint64_t bytes_to_read(const std::filesystem::path& file);
    /// @throws Error input, format with the file's name, as the next: arrays missing, or not of their shapes.
    explicit SensorTable(const std::filesystem::path& file);

    /// @throws Error input: it is not for so many points.
    void check_count(std::size_t points) const;
    /// Of points [first, first + n). @throws Error input: a station that is not there.
    std::vector<geom::Vec3d> of(std::size_t first, std::size_t n) const;

private:
    void read(io::TensorFile arrays);

    std::filesystem::path file_;
    std::vector<geom::Vec3d> stations_;   ///< empty: `each_` has positions
    std::optional<io::NamedArray> each_;  ///< a row or a value a point; none: one station for all
};

/// All of them. @return [N] @throws Error input, format with the file's name: arrays missing, or not as many as there
/// are points.
std::vector<geom::Vec3d> read_sensors(const std::filesystem::path& file, std::size_t n_points);

/// Adds a scan to another: points, and colours if both have them. Points of scans without sensors get positions that
/// are not finite (unknown, geom/sensors.h) if another scan has sensors.
void append_scan(geom::PointCloud& scan, geom::PointCloud&& part);

}  // namespace nir::pipeline
