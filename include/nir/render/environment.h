// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nir::render {

/// What lies behind everything, by direction alone: colours on a map of longitude (around z, all the way) and latitude,
/// bilinear between the centres of its texels. Learned with the field; the sky, and what is too far for the cubes.
struct EnvironmentMap {
    int width = 0, height = 0;  ///< 0: there is none
    std::vector<float> raw;     ///< [height, width, 3], before the logistic function

    EnvironmentMap() = default;
    /// Middle grey everywhere.
    EnvironmentMap(int w, int h);
    bool empty() const { return raw.empty(); }

    /// The four texels around a direction and their weights, which add up to 1.
    struct Taps {
        std::array<std::uint32_t, 4> texel{};
        std::array<float, 4> weight{};
    };
    Taps taps(const std::array<float, 3>& direction) const;
    /// In 0..1, sRGB-encoded as the field's colours. @param direction of length 1.
    std::array<float, 3> color(const std::array<float, 3>& direction) const { return color(taps(direction)); }
    std::array<float, 3> color(const Taps& taps) const;
    /// Adds the gradient: gradient[texel * 3 + k], given that of the colour.
    void add_gradient(const Taps& taps, const std::array<float, 3>& color, const std::array<float, 3>& dL_dcolor,
                      std::vector<float>& gradient) const;
};

}  // namespace nir::render
