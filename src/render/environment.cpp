// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/environment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::render {

EnvironmentMap::EnvironmentMap(int w, int h)
    : width(w), height(h), raw(3 * static_cast<std::size_t>(w) * static_cast<std::size_t>(h)) {}

EnvironmentMap::Taps EnvironmentMap::taps(const std::array<float, 3>& d) const {
    const float longitude = std::atan2(d[1], d[0]) / (2 * std::numbers::pi_v<float>)+0.5f;
    const float latitude = std::acos(std::clamp(d[2], -1.0f, 1.0f)) / std::numbers::pi_v<float>;
    const float x = longitude * static_cast<float>(width) - 0.5f;
    const float y = std::clamp(latitude * static_cast<float>(height) - 0.5f, 0.0f, static_cast<float>(height - 1));
    const float left = std::floor(x), top = std::min(std::floor(y), static_cast<float>(std::max(height - 2, 0)));
    const float u = x - left, v = y - top;
    const int x0 = (static_cast<int>(left) + width) % width, x1 = (x0 + 1) % width;
    const int y0 = static_cast<int>(top), y1 = std::min(y0 + 1, height - 1);
    const auto at = [&](int column, int row) { return static_cast<std::uint32_t>(row * width + column); };
    return {{at(x0, y0), at(x1, y0), at(x0, y1), at(x1, y1)}, {(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v}};
}

std::array<float, 3> EnvironmentMap::color(const Taps& taps) const {
    std::array<float, 3> out{};
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t k = 0; k < 3; ++k) out[k] += taps.weight[i] * raw[3 * taps.texel[i] + k];
    for (float& v : out) v = 1 / (1 + std::exp(-v));
    return out;
}

void EnvironmentMap::add_gradient(const Taps& taps, const std::array<float, 3>& color,
                                  const std::array<float, 3>& dL_dcolor, std::vector<float>& gradient) const {
    for (std::size_t k = 0; k < 3; ++k) {
        const float slope = dL_dcolor[k] * color[k] * (1 - color[k]);
        for (std::size_t i = 0; i < 4; ++i) gradient[3 * taps.texel[i] + k] += taps.weight[i] * slope;
    }
}

}  // namespace nir::render
