// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/read_scans.h"

#include "nir/base/error.h"
#include "nir/io/formats.h"
#include "nir/io/point_blocks.h"

#include "pipeline/read_sensors.h"

#include <algorithm>
#include <optional>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

/// A file that is read in blocks, or as a whole.
struct Source {
    fs::path path;
    std::unique_ptr<io::PointBlocks> blocks;
    std::uint64_t bytes = 0;
};

constexpr std::uint64_t kLongReading = 50000000;  ///< bytes, of which a read may be stopped on the way
constexpr double kWhileReading = 310e6;           ///< memory that reading onto the disk takes, at most

/// In blocks, so that it may be stopped, or as a whole.
geom::PointCloud read_cloud(Source& source, Progress& progress) {
    if (!source.blocks || source.bytes < kLongReading) return io::read_point_cloud(source.path);
    geom::PointCloud cloud;
    with_context(source.path.string(), [&] {
        cloud.points.reserve(static_cast<std::size_t>(std::min(source.blocks->points(), source.bytes / 3)));
        source.blocks->read([&](geom::PointCloud&& block) {
            if (!progress.advance(block.size())) fail(ErrorKind::cancelled, "stopped while the scan was read");
            if (cloud.empty()) {
                const std::size_t room = cloud.points.capacity();
                cloud = std::move(block);
                cloud.points.reserve(room);
            } else {
                append_scan(cloud, std::move(block));
            }
        });
        if (cloud.empty()) fail(ErrorKind::input, "holds no points");
    });
    return cloud;
}

geom::PointCloud read_into_memory(std::vector<Source>& sources, const fs::path& sensors, std::uint64_t points,
                                  Progress& progress) {
    geom::PointCloud scan;
    progress.begin("read", points, "points");
    for (auto& source : sources) {
        geom::PointCloud part = read_cloud(source, progress);
        if (scan.empty())
            scan = std::move(part);
        else
            append_scan(scan, std::move(part));
    }
    progress.end();
    if (!sensors.empty()) scan.sensors = read_sensors(sensors, scan.size());
    return scan;
}

geom::ScanFile read_onto_disk(std::vector<Source>& sources, std::uint64_t points, const ReadScansOptions& options,
                              Progress& progress) {
    std::optional<SensorTable> sensors;
    if (!options.sensors.empty()) sensors.emplace(options.sensors);
    geom::ScanFile scan(options.folder);
    progress.begin("read", points, "points");
    for (auto& source : sources)
        with_context(source.path.string(), [&] {
            const std::size_t before = scan.points();
            const auto take = [&](geom::PointCloud&& block) {
                if (sensors) block.sensors = sensors->of(scan.points(), block.size());
                scan.add(block);
                if (!progress.advance(block.size())) fail(ErrorKind::cancelled, "stopped while the scan was read");
            };
            if (source.blocks)
                source.blocks->read(take);
            else
                take(io::read_point_cloud(source.path));
            if (scan.points() == before) fail(ErrorKind::input, "holds no points");
        });
    progress.end();
    if (sensors) sensors->check_count(scan.points());
    sensors.reset();
    scan.sort();
    return scan;
}

Source open_source(const fs::path& file, const ReadScansOptions& options) {
    Source s{file, nullptr, 0};
    std::error_code error;
    s.bytes = static_cast<std::uint64_t>(fs::file_size(file, error));
    if (error) s.bytes = 0;
    const bool limited = options.max_memory > 0 || options.on_disk;
    if (limited || s.bytes >= kLongReading) s.blocks = io::open_point_blocks(file);
    // Points of other files are counted when they are there: a quarter of the memory for the bytes is safe.
    if (!s.blocks && options.max_memory > 0 && s.bytes > options.max_memory / 4)
        fail(ErrorKind::usage,
             "{}: this kind of file is read as a whole, for which --max-memory {:.2f} GB is too little; PLY, XYZ, NPY "
             "and PCD (not compressed) are read in blocks",
             file.string(), static_cast<double>(options.max_memory) / 1e9);
    return s;
}

/// @throws Error usage: what is wanted cannot be had with points on the disk.
void check_disk(std::uint64_t points, const ReadScansOptions& options) {
    if (!options.needs_memory.empty())
        fail(ErrorKind::usage, "{} points do not fit into --max-memory, and {}", points, options.needs_memory);
    if (options.sensors.empty() || options.max_memory == 0) return;
    const double table = static_cast<double>(SensorTable::bytes_to_read(options.sensors));
    if (kWhileReading + static_cast<double>(points) + table > static_cast<double>(options.max_memory))
        fail(
            ErrorKind::usage,
            "{}: takes {:.2f} GB beside the points, too much for --max-memory {:.2f} GB; give the points their sensors "
            "in the scan (PLY sensor_x sensor_y sensor_z)",
            options.sensors.string(), table / 1e9, static_cast<double>(options.max_memory) / 1e9);
}

}  // namespace

std::variant<geom::PointCloud, geom::ScanFile> read_scans(const std::vector<fs::path>& files,
                                                          const ReadScansOptions& options, Progress& progress) {
    std::vector<Source> sources;
    PointNeeds needs{
        .points = 0, .file_bytes = 0, .sensors = !options.sensors.empty(), .picture = options.mesh.picture};
    for (const auto& file : files) {
        const Source& s = sources.emplace_back(open_source(file, options));
        needs.file_bytes += s.bytes;
        needs.points += s.blocks ? s.blocks->points() : s.bytes / 12;  // at most, about
        needs.text |= s.blocks && s.blocks->is_text();
        needs.sensors |= s.blocks && s.blocks->has_sensors();
    }
    const bool limited = options.max_memory > 0;
    if (!options.on_disk && (!limited || points_fit(options.max_memory, needs)))
        return read_into_memory(sources, options.sensors, needs.points, progress);
    if (limited) check_memory(options.max_memory, needs.points, true, options.mesh);
    check_disk(needs.points, options);
    return read_onto_disk(sources, needs.points, options, progress);
}

}  // namespace nir::pipeline
