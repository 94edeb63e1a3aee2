// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nir::geom {

/// 8-bit picture, rows from top to bottom, channels interleaved: data[(y * width + x) * channels + c].
/// channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. Values are sRGB-encoded, alpha is straight (not premultiplied).
struct Image8 {
    int width = 0, height = 0, channels = 3;
    std::vector<std::uint8_t> data;

    Image8() = default;
    Image8(int w, int h, int n_channels, std::uint8_t value = 0)
        : width(w),
          height(h),
          channels(n_channels),
          data(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * static_cast<std::size_t>(n_channels),
               value) {}

    bool empty() const { return data.empty(); }
    std::uint8_t* pixel(int x, int y) { return data.data() + offset(x, y); }
    const std::uint8_t* pixel(int x, int y) const { return data.data() + offset(x, y); }

private:
    std::size_t offset(int x, int y) const {
        return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) *
               static_cast<std::size_t>(channels);
    }
};

/// Picture as networks take it: three planes R, G, B of height * width values in 0..1, sRGB-encoded:
/// data[(c * height + y) * width + x].
struct RgbImage {
    int width = 0, height = 0;
    std::vector<float> data;

    bool empty() const { return data.empty(); }
};

}  // namespace nir::geom
