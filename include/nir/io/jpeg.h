// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"

#include <filesystem>
#include <string_view>

namespace nir::io {

/// Reads a JPEG file, baseline or progressive: grey (1 channel) or colour (RGB). Rotations noted by a camera (EXIF) are
/// not applied. Up to 2^15 pixels a side (as many as 2^28). A file that is cut off or damaged is refused, not guessed.
/// @throws Error input, format.
geom::Image8 parse_jpeg(std::string_view bytes);
geom::Image8 read_jpeg(const std::filesystem::path& path);

bool looks_like_jpeg(std::string_view bytes);

}  // namespace nir::io
