// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/geometry.h"

#include <filesystem>
#include <iosfwd>
#include <string_view>

namespace nir::io {

/// Reads PCD 0.5 to 0.7 (Point Cloud Library): ascii, binary, binary_compressed (LZF). Used are x y z,
/// normal_x normal_y normal_z and packed rgb or rgba; other fields are skipped. Organised clouds keep their NaN points.
/// The place of the VIEWPOINT is the sensor of all points, unless it is the default (zero, not turned), which says
/// nothing.
/// @throws Error input, format with the line, or with the point.
Geometry read_pcd(std::istream& in);
Geometry read_pcd(const std::filesystem::path& path);
Geometry parse_pcd(std::string_view bytes);

bool looks_like_pcd(std::string_view bytes);

}  // namespace nir::io
