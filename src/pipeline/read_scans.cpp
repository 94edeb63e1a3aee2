// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/read_scans.h"

#include "nir/base/error.h"
#include "nir/io/formats.h"
#include "nir/io/point_blocks.h"

#include "pipeline/memory_plan.h"
#include "pipeline/read_sensors.h"

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

geom::PointCloud read_into_memory(const std::vector<fs::path>& files, const fs::path& sensors) {
    geom::PointCloud scan;
    for (const auto& file : files) {
        geom::PointCloud part = io::read_point_cloud(file);
        if (scan.empty())
            scan = std::move(part);
        else
            append_scan(scan, std::move(part));
    }
    if (!sensors.empty()) scan.sensors = read_sensors(sensors, scan.size());
    return scan;
}

/// A file that is read in blocks, or as a whole.
struct Source {
    fs::path path;
    std::unique_ptr<io::PointBlocks> blocks;
    std::uint64_t bytes = 0;
};

geom::ScanFile read_onto_disk(std::vector<Source>& sources, std::uint64_t points, const ReadScansOptions& options,
                              Progress& progress) {
    if (!options.sensors.empty())
        fail(ErrorKind::usage,
             "{} points do not fit into --max-memory, and --sensors is read as a whole: give the points their sensors "
             "in "
             "the scan (PLY sensor_x sensor_y sensor_z)",
             points);
    geom::ScanFile scan(options.folder);
    progress.begin("read", points, "points");
    for (auto& source : sources)
        with_context(source.path.string(), [&] {
            const std::size_t before = scan.points();
            const auto take = [&](const geom::PointCloud& block) {
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
    scan.sort();
    return scan;
}

}  // namespace

std::variant<geom::PointCloud, geom::ScanFile> read_scans(const std::vector<fs::path>& files,
                                                          const ReadScansOptions& options, Progress& progress) {
    if (options.max_memory == 0 && !options.on_disk) return read_into_memory(files, options.sensors);
    std::vector<Source> sources;
    std::uint64_t points = 0, bytes = 0;
    bool text = false, sensors = !options.sensors.empty();
    for (const auto& file : files) {
        Source s{file, io::open_point_blocks(file), 0};
        std::error_code error;
        s.bytes = static_cast<std::uint64_t>(fs::file_size(file, error));
        if (error) s.bytes = 0;
        bytes += s.bytes;
        points += s.blocks ? s.blocks->points() : s.bytes / 12;  // at most, about
        text |= s.blocks && s.blocks->is_text();
        sensors |= s.blocks && s.blocks->has_sensors();
        // Points of other files are counted when they are there: a quarter of the memory for the bytes is safe.
        if (!s.blocks && options.max_memory > 0 && s.bytes > options.max_memory / 4)
            fail(ErrorKind::usage,
                 "{}: this kind of file is read as a whole, for which --max-memory {:.2f} GB is too little; PLY, XYZ, "
                 "NPY "
                 "and PCD (not compressed) are read in blocks",
                 file.string(), static_cast<double>(options.max_memory) / 1e9);
        sources.push_back(std::move(s));
    }
    if (!options.on_disk &&
        points_fit(
            options.max_memory,
            {.points = points, .file_bytes = bytes, .text = text, .sensors = sensors, .picture = options.picture}))
        return read_into_memory(files, options.sensors);
    return read_onto_disk(sources, points, options, progress);
}

}  // namespace nir::pipeline
