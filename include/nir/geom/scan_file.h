// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"
#include "nir/geom/spacing.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

namespace nir::geom {

/// A scan that does not fit into memory: its points lie sorted by place in nameless files (base/spill_file.h), gone
/// with this object however the program ends, and whatever takes long may be stopped (base/stop.h). Memory: 130 MB
/// while points come and are sorted, half a byte a point after. Disk: 40 bytes a point, three times that while it is
/// sorted.
///
///     ScanFile scan(folder);
///     read_point_blocks(file, [&](PointCloud block) { scan.add(block); });
///     scan.sort();
///     ScanReport report = scan.inspect();      // what inspect_scan() says, without the lists of indices
///     auto points = scan.source(fit_frame(report.robust_box));
class ScanFile {
public:
    /// @param folder  on whose disk the points go. @throws Error io.
    explicit ScanFile(const std::filesystem::path& folder);
    ~ScanFile();
    ScanFile(ScanFile&&) noexcept;
    ScanFile& operator=(ScanFile&&) = delete;

    /// The next points of the scan. Colours count only if all blocks have them; points without a sensor, or with one
    /// that is not finite, have none.
    /// @throws Error io (disk full); input: 2^32 points, or more than kMostSensors places of sensors.
    void add(const PointCloud& block);
    static constexpr std::size_t kMostSensors = 1000000;
    std::size_t points() const;

    /// After the last add(). Leaves out points that are not finite and exact repetitions.
    void sort();
    /// Figures and findings of inspect_scan() for the same points; octaves and lists of indices are empty. The order of
    /// sums differs, so the last digits of spread and axes do. Leaves out far outliers.
    ScanReport inspect();

    /// Points that are left.
    std::size_t size() const;
    /// Places of the sensors in the user's frame; empty if none is known.
    const std::vector<Vec3d>& sensors() const;
    /// The points that are left in their order, in floats of a frame: what PointTiles finds for the same points. The
    /// files of the scan may go afterwards.
    /// @param threads do not matter
    std::shared_ptr<const PointSource> source(const Frame& frame) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::geom
