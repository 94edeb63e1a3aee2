// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/mesh_check.h"
#include "nir/geom/spacing.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace nir {
class PhaseTimer;
}

namespace nir::pipeline {

/// One array of a file, without its values.
struct ArraySummary {
    std::string name, type, shape;
    std::size_t count = 0, non_finite = 0;
    double lo = 0, hi = 0;  ///< smallest and largest finite value; 0 and 0 if there is none
};

/// What a file holds and what nir would do with it.
struct FileInfo {
    std::string format, encoding;  ///< "PLY", "binary little endian"
    std::string kind;              ///< "mesh", "points", "voxel grid", "image", "arrays", "model", …
    std::uint64_t file_bytes = 0;
    std::string suggestion;            ///< a command line, or a sentence
    std::vector<std::string> ignored;  ///< what nir does not use

    // points and meshes
    std::size_t points = 0, faces = 0, non_finite = 0;
    std::uint64_t polygons = 0;
    bool normals = false, colors = false, sensors = false, confidence = false;
    geom::Box3d bounds;                            ///< of the finite points; empty if there are none
    bool geo_referenced = false;                   ///< float would lose digits
    std::optional<geom::SpacingEstimate> spacing;  ///< from two points on
    std::vector<geom::ScanFinding> findings;       ///< what is wrong with it as a scan
    std::optional<geom::MeshReport> mesh;

    // voxel grids and images
    geom::Vec3i size{};  ///< cells along x, y, z; width, height, channels
    std::size_t filled = 0;
    double cell = 0;

    // arrays and models
    std::vector<ArraySummary> arrays;
    std::map<std::string, std::string> metadata;
};

/// Looks at a file. @param timer gets the phase "read". @throws Error input, format, with the file's name.
FileInfo info(const std::filesystem::path& path, PhaseTimer& timer);

}  // namespace nir::pipeline
