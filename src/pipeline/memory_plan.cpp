// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/memory_plan.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

// Upper bounds, measured (docs/methods/large_scans.md). First the scan is looked at, with a tree over all points, or
// sorted on the disk.
constexpr double kLooking = 160e6, kLookingPerPoint = 90, kSorting = 150e6;
// Then there are the program with its libraries and the network, the points in tiles, and of the mesh, per square cell
// of surface, all with its tree and its check, or only what its pieces have in common.
constexpr double kProgram = 330e6, kPerPoint = 40, kPerSensor = 8, kPerPlace = 100, kPerPointOnDisk = 1;
constexpr double kPerSquare = 420, kPerSquareOnDisk = 8, kPicture = 150e6;
constexpr double kLeast = 150e6, kUsual = 1.2e9;  ///< for the windows
constexpr double kReadSensors = 48;               ///< a point, until they are grouped
constexpr double kPerTextPoint = 120;             ///< more than kLookingPerPoint, while text is read
constexpr double kPerFitPoint = 350;              ///< of a tile: points, their neighbourhoods and the planes on them

}  // namespace

bool points_fit(std::size_t bytes, const PointNeeds& needs) {
    const auto n = static_cast<double>(needs.points), limit = static_cast<double>(bytes);
    const double reading = 60e6 + static_cast<double>(needs.file_bytes) + (needs.text ? kPerTextPoint : 60) * n +
                           (needs.sensors ? kReadSensors : 0) * n;
    const double squares = 1.5 * n;
    const double looking = kLookingPerPoint + (needs.sensors ? kReadSensors : 0);
    const double working = kPerPoint + (needs.sensors ? kPerSensor : 0);
    return limit >=
           std::max({reading, kLooking + looking * n,
                     kProgram + working * n + kPerSquareOnDisk * squares + kLeast + (needs.picture ? kPicture : 0)});
}

void check_memory(std::size_t bytes, std::uint64_t points, bool on_disk, const MeshNeeds& mesh) {
    const auto n = static_cast<double>(points);
    plan_memory({.bytes = bytes,
                 .points = static_cast<std::size_t>(points),
                 .on_disk = on_disk,
                 .area = mesh.resolution > 0 ? 0 : n,
                 .mesh_cell = 1,
                 .mesh_in_memory = mesh.in_memory,
                 .picture = mesh.picture});
}

MemoryPlan plan_memory(const MemoryNeeds& n) {
    const double bytes = static_cast<double>(n.bytes), points = static_cast<double>(n.points);
    const double squares = 1.5 * n.area / (n.mesh_cell * n.mesh_cell);
    const double per_point = n.on_disk ? kPerPointOnDisk : kPerPoint + (n.sensors ? kPerSensor : 0);
    const double looking = kLooking + (n.on_disk ? kSorting + kPerPointOnDisk * points : kLookingPerPoint * points);
    const double fixed = kProgram + per_point * points + (n.mesh_in_memory ? kPerSquare : kPerSquareOnDisk) * squares +
                         kPerPlace * static_cast<double>(n.places) + (n.picture ? kPicture : 0);
    const double least = std::max(looking, fixed + kLeast);
    if (bytes > 0 && bytes < least)
        fail(ErrorKind::usage, "--max-memory {:.2f} GB is too little: a scan of {} points takes about {:.2f} GB{}",
             bytes / 1e9, n.points, least / 1e9,
             n.mesh_in_memory ? " with its mesh, which is in memory as a whole when it is not PLY or OBJ" : "");
    const double rest = bytes > 0 ? bytes - fixed : kUsual;
    MemoryPlan plan;
    constexpr double kPerBrick = 130e3, kPerCell = 64;
    const auto share = [&](double part, double unit, double lo, double hi) {
        return std::clamp(part * rest / unit, lo, hi);
    };
    plan.encode.most_bricks = static_cast<std::size_t>(share(0.4, kPerBrick, 400, 10000));
    plan.encode.resident_cells = share(0.2, kPerCell * 4 / 3, 1e5, 2.5e6);
    // A tile's features: a few sheets of surface, 13 cells across, and the halo.
    plan.windows_per_tile =
        std::clamp(static_cast<int>(std::sqrt(0.3 * rest / kPerCell / 40) / plan.window_cells), 1, 4);
    if (bytes > 0) plan.most_points = static_cast<std::size_t>(0.35 * rest / kPerFitPoint);
    return plan;
}

}  // namespace nir::pipeline
