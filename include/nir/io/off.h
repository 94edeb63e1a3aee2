// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/geometry.h"

#include <filesystem>
#include <iosfwd>
#include <string_view>

namespace nir::io {

/// Reads text OFF with the prefixes ST, C, N (colours, normals), comments, and counts on the first line ("OFF 8 6 0",
/// also ModelNet's "OFF8 6 0"). Polygons become fans; face colours are skipped. Binary, 4- and n-dimensional OFF are
/// refused.
/// @throws Error input, format with the line.
Geometry read_off(std::istream& in);
Geometry read_off(const std::filesystem::path& path);
Geometry parse_off(std::string_view bytes);

/// Writes OFF, NOFF, COFF or CNOFF, coordinates with all their digits.
void write_off(std::ostream& out, const GeometryView& g);
void write_off(const std::filesystem::path& path, const GeometryView& g);

bool looks_like_off(std::string_view bytes);

}  // namespace nir::io
