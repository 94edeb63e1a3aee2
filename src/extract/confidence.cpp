// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/confidence.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::extract {

float sure_slope(std::span<const float> slope, std::span<const float> distance) {
    NIR_CHECK(slope.size() == distance.size());
    std::vector<float> near;
    for (std::size_t v = 0; v < slope.size(); ++v)
        if (distance[v] <= 1) near.push_back(slope[v]);
    if (near.empty()) near.assign(slope.begin(), slope.end());
    if (near.empty()) return 0;
    const auto middle = near.begin() + static_cast<std::ptrdiff_t>(near.size() / 2);
    std::nth_element(near.begin(), middle, near.end());
    return *middle / 2;
}

std::vector<float> vertex_confidence(std::span<const float> distance, std::span<const float> slope, float sure) {
    NIR_CHECK(slope.size() == distance.size() && sure >= 0);
    std::vector<float> out(distance.size());
    for (std::size_t v = 0; v < out.size(); ++v) {
        const float steep = sure > 0 ? std::min(1.0f, slope[v] / sure) : 1.0f;
        out[v] = std::exp(-distance[v] * distance[v] / 4) * steep;
    }
    return out;
}

}  // namespace nir::extract
