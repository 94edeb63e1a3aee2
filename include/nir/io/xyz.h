// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/geometry.h"

#include <filesystem>
#include <iosfwd>
#include <string_view>

namespace nir::io {

/// Reads points as text, one a line; separators blank, tab, comma, semicolon; comments #, // and %. A first line may
/// name the columns ("x,y,z,nx,ny,nz") or hold the number of points (PTS). Without names, columns are: 3 x y z;
/// 4 + a scalar; 6 + normal or colour; 7 + scalar and colour, colour and scalar, or normal and scalar; 9 + colour and
/// normal in either order. Three columns are a colour if all are whole numbers in 0..255 and one is above 1, or if none
/// is negative and few have length 1.
/// @throws Error input, format with the line.
Geometry read_xyz(std::istream& in);
Geometry read_xyz(const std::filesystem::path& path);
Geometry parse_xyz(std::string_view bytes);

/// Writes x y z, then nx ny nz and r g b (0..255) as far as they are there, all digits, separated by blanks. Faces are
/// left out with a log note.
void write_xyz(std::ostream& out, const GeometryView& g);
void write_xyz(const std::filesystem::path& path, const GeometryView& g);

/// True if the first line that is no comment holds three numbers or more.
bool looks_like_xyz(std::string_view bytes);

}  // namespace nir::io
