// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/unit_scan.h"

#include "nir/base/error.h"
#include "nir/geom/frame.h"
#include "nir/geom/point_tiles.h"

#include <algorithm>
#include <numeric>

namespace nir::pipeline {
namespace {

using geom::PointSource;
using geom::Vec3d;
using geom::Vec3f;

constexpr double kTileSpacings = 32;  ///< side of the tiles that the points are sorted into

void set_figures(UnitScan& scan, const geom::ScanReport& report, const geom::Frame& frame) {
    scan.spacing = report.spacing.surface / frame.scale;
    scan.noise = report.spacing.noise / frame.scale;
    scan.area = static_cast<double>(scan.count) * scan.spacing * scan.spacing;
    scan.sample_step = scan.count / kSeedPoints + 1;
}

void check(const geom::ScanReport& report) {
    if (const auto* problem = report.error()) fail(ErrorKind::input, "{}", problem->text);
}

}  // namespace

PointSource::Found every_kth(std::span<const Vec3f> points, std::span<const geom::Rgb8> colors, std::size_t step) {
    PointSource::Found out;
    for (std::size_t i = 0; i < points.size(); i += step) {
        out.index.push_back(static_cast<std::uint32_t>(i));
        out.points.push_back(points[i]);
        if (!colors.empty()) out.colors.push_back(colors[i]);
    }
    return out;
}

PointSource::Found every_kth(const PointSource& points, std::size_t step) {
    const std::size_t n = (points.size() + step - 1) / step;
    PointSource::Found out;
    out.index.resize(n), out.points.resize(n);
    if (points.has_colors()) out.colors.resize(n);
    if (points.has_sensors()) out.sensors.resize(n);
    points.visit([&](const PointSource::Found& part) {
        for (std::size_t i = 0; i < part.index.size(); ++i) {
            if (part.index[i] % step != 0) continue;
            const std::size_t at = part.index[i] / step;
            out.index[at] = part.index[i], out.points[at] = part.points[i];
            if (!out.colors.empty()) out.colors[at] = part.colors[i];
            if (!out.sensors.empty()) out.sensors[at] = part.sensors[i];
        }
    });
    return out;
}

std::shared_ptr<const PointSource> UnitScan::by_places() const {
    if (source) return source;
    geom::Box3f box;
    for (const auto& p : points) box.extend(p);
    const auto tile = std::max(static_cast<float>(kTileSpacings * spacing), 1e-5f * box.longest_side());
    return std::make_shared<const geom::PointTiles>(points, tile, colors, sensors.of_point);
}

UnitScan look_at_scan(const geom::PointCloud& scan, geom::ScanReport& report, geom::Frame& frame) {
    report = geom::inspect_scan(scan.points);
    check(report);
    frame = geom::fit_frame(report.robust_box);
    UnitScan out;
    std::vector<Vec3d> stands;  // of the sensors, of each point
    out.points.reserve(report.kept.size());
    if (!scan.colors.empty()) out.colors.reserve(report.kept.size());
    for (const auto i : report.kept) {
        out.points.push_back(static_cast<Vec3f>(frame.unit_from_user(scan.points[i])));
        if (!scan.colors.empty()) out.colors.push_back(scan.colors[i]);
        if (!scan.sensors.empty()) stands.push_back(frame.unit_from_user(scan.sensors[i]));
    }
    out.sensors = geom::group_sensors(stands);
    out.count = out.points.size();
    out.has_colors = !out.colors.empty();
    set_figures(out, report, frame);
    out.samples = every_kth(out.points, out.colors, out.sample_step);
    for (const auto i : out.samples.index)
        if (!out.sensors.empty()) out.samples.sensors.push_back(out.sensors.of_point[i]);
    return out;
}

UnitScan look_at_scan(geom::ScanFile&& scan, geom::ScanReport& report, geom::Frame& frame) {
    report = scan.inspect();
    check(report);
    frame = geom::fit_frame(report.robust_box);
    UnitScan out;
    out.source = scan.source(frame);
    out.count = out.source->size();
    out.has_colors = out.source->has_colors();
    for (const auto& p : scan.sensors()) out.sensors.positions.push_back(frame.unit_from_user(p));
    set_figures(out, report, frame);
    out.samples = every_kth(*out.source, out.sample_step);
    return out;
}

}  // namespace nir::pipeline
