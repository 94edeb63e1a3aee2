// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/geometry.h"

#include <filesystem>
#include <iosfwd>
#include <string_view>

namespace nir::io {

/// Reads Wavefront OBJ: v (with colours behind the coordinates if given), vn, f (polygons become fans, negative indices
/// count back). Normals are averaged onto the vertices. Everything else is skipped. Hand-written: tinyobjloader splits
/// vertices by material and allocates without limit on hostile indices.
/// @throws Error input, format with the line.
Geometry read_obj(std::istream& in);
Geometry read_obj(const std::filesystem::path& path);
Geometry parse_obj(std::string_view bytes);

/// Writes coordinates with all their digits, colours as three numbers in 0..1 behind them, normals and faces.
void write_obj(std::ostream& out, const GeometryView& g);
void write_obj(const std::filesystem::path& path, const GeometryView& g);

}  // namespace nir::io
