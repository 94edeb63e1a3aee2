// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/geometry.h"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace nir::io {

/// Reads PLY 1.0: ascii, binary little and big endian, any scalar type by either naming (uchar, uint8). Used are x y z,
/// nx ny nz, red green blue (integers, or floats in 0..1), confidence, sensor_x/y/z, faces (vertex_indices or
/// vertex_index; polygons become fans) and tristrips; other properties and elements are skipped and listed in
/// Geometry::ignored.
/// @throws Error input, format: the message names the header line, the line or the vertex.
/// Ref: docs/formats/ply.md.
Geometry read_ply(std::istream& in);
Geometry read_ply(const std::filesystem::path& path);
Geometry parse_ply(std::string_view bytes);

struct PlyWriteOptions {
    bool ascii = false;                 ///< text instead of binary little endian
    bool always_double = false;         ///< coordinates as double even where float holds them (see needs_double)
    std::vector<std::string> comments;  ///< header comments, one line each
};

/// Writes points, normals, colours, sensors, confidence and faces, as far as they are there. N = 0 is allowed.
void write_ply(std::ostream& out, const GeometryView& g, const PlyWriteOptions& options = {});
void write_ply(const std::filesystem::path& path, const GeometryView& g, const PlyWriteOptions& options = {});

}  // namespace nir::io
