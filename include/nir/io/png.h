// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string_view>
#include <vector>

namespace nir::io {

using geom::Image8;

/// 16-bit picture, laid out like Image8: data[(y * width + x) * channels + c].
struct Image16 {
    int width = 0, height = 0, channels = 3;
    std::vector<std::uint16_t> data;

    Image16() = default;
    Image16(int w, int h, int n_channels)
        : width(w),
          height(h),
          channels(n_channels),
          data(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * static_cast<std::size_t>(n_channels)) {}
};

/// Reads a PNG file; palettes become RGB(A), 1 to 4 bit grey becomes 8 bit. read_png rounds 16 bit to 8; read_png16
/// widens 8 bit to 16 (v * 257). No gamma or colour profile is applied. Up to 2^15 pixels a side (as many as 2^28).
/// @throws Error input, format.
Image8 read_png(std::istream& in);
Image8 read_png(const std::filesystem::path& path);
Image8 parse_png(std::string_view bytes);
Image16 read_png16(std::istream& in);
Image16 read_png16(const std::filesystem::path& path);
Image16 parse_png16(std::string_view bytes);

/// Writes a PNG file of 8 or 16 bits; the image may not be empty.
void write_png(std::ostream& out, const Image8& image);
void write_png(const std::filesystem::path& path, const Image8& image);
void write_png(std::ostream& out, const Image16& image);
void write_png(const std::filesystem::path& path, const Image16& image);

bool looks_like_png(std::string_view bytes);

}  // namespace nir::io
