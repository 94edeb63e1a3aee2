// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

namespace nir::io {

/// A file of points of which only a block is in memory at a time.
class PointBlocks {
public:
    virtual ~PointBlocks() = default;
    /// How many points there are; of text, how many lines there are at most.
    virtual std::uint64_t points() const = 0;
    virtual bool is_text() const = 0;
    virtual bool has_sensors() const = 0;
    /// Calls f with points, colours and sensors of read_point_cloud() for the same file, in their order, some 65,536
    /// points at a time. What comes behind the points (faces) is not looked at.
    /// @throws Error input, format: as read_point_cloud(), or the file became shorter; without the file's name.
    virtual void read(const std::function<void(geom::PointCloud&&)>& f) = 0;
};

/// For PLY (but for colours as floats, lists in binary vertices and elements with lists before them), XYZ, PCD (not
/// compressed) and NPY (not in Fortran's order). Null for what has to be read as a whole.
/// @throws Error input, format: not readable at all, broken header; with the file's name.
std::unique_ptr<PointBlocks> open_point_blocks(const std::filesystem::path& path);

}  // namespace nir::io
