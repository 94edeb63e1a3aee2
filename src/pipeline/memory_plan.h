// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/cascade.h"

#include <cstddef>
#include <cstdint>

namespace nir::pipeline {

/// How the parts of a scan's work fit into a given memory.
struct MemoryPlan {
    models::Cascade::WindowOptions encode;
    int window_cells = 96, windows_per_tile = 4;
    std::size_t most_points = 0;  ///< around a tile, for which the field is made in one go; 0 = any
};
/// What the mesh takes of it.
struct MeshNeeds {
    bool in_memory = false;  ///< as a whole, in the end
    bool picture = false;
    int resolution = 0;  ///< cells along the longest side of the scan; 0: cells as wide as the points are apart
};
/// What has to fit.
struct MemoryNeeds {
    std::size_t bytes = 0;   ///< that the process may take; 0 = no limit
    std::size_t points = 0;  ///< of the scan
    bool on_disk = false;    ///< the points are (geom/scan_file.h)
    bool colors = false;
    bool sensors = false;            ///< points know theirs,
    std::size_t places = 0;          ///< of so many
    double area = 0, mesh_cell = 0;  ///< frame of the points
    bool mesh_in_memory = false;     ///< as a whole, in the end
    bool picture = false;
};
/// @throws Error usage: less than the program, the scan and, if it must be in memory, the mesh need, saying how much
/// that is.
MemoryPlan plan_memory(const MemoryNeeds& needs);
/// The same before the points are read, by their number alone (of text, at most): less is known of the mesh where the
/// resolution is given. @throws Error usage
void check_memory(std::size_t bytes, std::uint64_t points, bool on_disk, const MeshNeeds& mesh);

/// What reading points takes.
struct PointNeeds {
    std::uint64_t points = 0;
    std::uint64_t file_bytes = 0;  ///< of the scans, which are read as a whole then
    bool text = false, sensors = false, picture = false;
};
/// Whether they can be read and kept in memory at all, with the least of a mesh that is written piece by piece.
/// @param bytes  that the process may take
bool points_fit(std::size_t bytes, const PointNeeds& needs);

}  // namespace nir::pipeline
