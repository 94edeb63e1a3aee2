// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

/// The same with its values; channels by name.
struct FloatImage {
    int width = 0, height = 0;
    std::vector<std::string> channels;
    std::vector<float> values;

    /// Number of a channel. @throws Error format naming those that are there.
    std::size_t channel(std::string_view name) const;
};
/// Reads OpenEXR files of one part in scan lines: floats, halves and whole numbers, without compression, ZIP or ZIPS
/// (what Blender writes by default). The picture is that of the data window. @throws Error input, format.
FloatImage read_exr(const std::filesystem::path& path);
FloatImage parse_exr(std::string_view bytes);

}  // namespace nir::io
