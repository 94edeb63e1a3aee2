// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>

namespace nir::io {

/// A picture of floats: values[(y * width + x) * channels.size() + c], rows from top to bottom.
struct FloatImageView {
    int width = 0, height = 0;
    std::span<const std::string> channels;  ///< "R", "G", "B", "A", "Z" (depth), "N.X", … each once
    std::span<const float> values;
};

/// Writes an OpenEXR file: 32-bit floats, scan lines, ZIP compression in blocks of 16 lines, one part. Colours in EXR
/// files are linear and premultiplied by convention; the values are written as they are given. The same values give the
/// same bytes. @throws Error internal on an empty picture or names that are not usable; io.
/// Ref: OpenEXR file layout, docs/formats/exr.md.
void write_exr(std::ostream& out, const FloatImageView& image);
void write_exr(const std::filesystem::path& path, const FloatImageView& image);

}  // namespace nir::io
