// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"
#include "nir/geom/scan_file.h"
#include "nir/geom/sensors.h"
#include "nir/geom/shapes.h"
#include "nir/pipeline/reconstruct.h"

#include <memory>
#include <span>
#include <vector>

namespace nir::pipeline {

inline constexpr std::size_t kSeedPoints = 200000;  ///< at which the lattice is refined and the mesh is judged

/// A scan in the frame in which its longest side is 1, and what is known of it there. In memory, or on disk.
struct UnitScan {
    std::size_t count = 0;
    std::vector<geom::Vec3f> points;                  ///< empty if they are on disk
    std::vector<geom::Rgb8> colors;                   ///< likewise
    geom::Sensors sensors;                            ///< likewise of_point
    std::shared_ptr<const geom::PointSource> source;  ///< null if they are in memory
    geom::PointSource::Found samples;                 ///< every sample_step-th point
    std::size_t sample_step = 1;
    bool has_colors = false;
    double spacing = 0, noise = 0, area = 0;

    bool on_disk() const { return source != nullptr; }
    models::Cascade::EncodeOptions encode_options(const ReconstructOptions& options) const {
        return {.spacing = spacing, .noise = noise, .detail = options.detail, .sensors = &sensors};
    }
    /// By places; refers to this.
    std::shared_ptr<const geom::PointSource> by_places() const;
};

/// Looks at a scan and puts it into its frame. @throws Error input: no surface can come of it.
UnitScan look_at_scan(const geom::PointCloud& scan, geom::ScanReport& report, geom::Frame& frame);
/// The same on disk; report.kept is empty.
UnitScan look_at_scan(geom::ScanFile&& scan, geom::ScanReport& report, geom::Frame& frame);

/// Every so-manieth point, ascending.
geom::PointSource::Found every_kth(std::span<const geom::Vec3f> points, std::span<const geom::Rgb8> colors,
                                   std::size_t step);
geom::PointSource::Found every_kth(const geom::PointSource& points, std::size_t step);

}  // namespace nir::pipeline
