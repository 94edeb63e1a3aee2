// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <filesystem>
#include <iosfwd>
#include <string_view>

namespace nir::io {

/// Reads a binvox file into values 0 and 1. Sample (i,j,k) is the centre of its cell:
/// translate + scale * (i + 0.5) / dim, dim the largest of the three. Up to 2^30 cells.
/// @throws Error input, format. Ref: docs/formats/binvox.md.
geom::VoxelGrid read_binvox(std::istream& in);
geom::VoxelGrid read_binvox(const std::filesystem::path& path);
geom::VoxelGrid parse_binvox(std::string_view bytes);

/// Writes cells with value > level as filled. @throws Error input if the spacing differs between the axes.
void write_binvox(std::ostream& out, const geom::VoxelGrid& grid, float level = 0.5f);
void write_binvox(const std::filesystem::path& path, const geom::VoxelGrid& grid, float level = 0.5f);

}  // namespace nir::io
