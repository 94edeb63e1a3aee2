// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/geom/scan_file.h"
#include "nir/geom/shapes.h"

#include "pipeline/memory_plan.h"

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace nir::pipeline {

struct ReadScansOptions {
    std::filesystem::path sensors;  ///< --sensors
    std::size_t max_memory = 0;     ///< 0 = no limit: the points are read into memory
    bool on_disk = false;           ///< in any case
    std::string needs_memory;       ///< why the points may not lie on the disk; empty = they may
    MeshNeeds mesh;                 ///< that is made of them
    std::filesystem::path folder;   ///< on whose disk they go then
};

/// The scans as one: in memory, or sorted on the disk where they do not fit.
/// @throws Error input, format, io (disk full), cancelled; usage, before anything is read, if they have to be in memory
/// and do not fit, or if what comes after does not.
std::variant<geom::PointCloud, geom::ScanFile> read_scans(const std::vector<std::filesystem::path>& files,
                                                          const ReadScansOptions& options, Progress& progress);

}  // namespace nir::pipeline
