// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/geometry.h"

#include <filesystem>
#include <iosfwd>
#include <string_view>

namespace nir::io {

/// Reads STL, text and binary; corners with equal coordinates become one vertex. Face normals are not used (the order
/// of the corners says which side is out).
/// @throws Error input, format with the line, or with the byte.
Geometry read_stl(std::istream& in);
Geometry read_stl(const std::filesystem::path& path);
Geometry parse_stl(std::string_view bytes);

/// Writes binary STL. STL holds 32-bit floats: a log warning says so when they move vertices (see needs_double).
/// @throws Error input if there are no faces.
void write_stl(std::ostream& out, const GeometryView& g);
void write_stl(const std::filesystem::path& path, const GeometryView& g);

bool looks_like_stl(std::string_view bytes);

}  // namespace nir::io
