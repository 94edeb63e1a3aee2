// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The formulas of kernels/chamfer.h as plain loops; the double instance is what finite differences run through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace nir::kernels {

template <class Real>
void nearest_points_ref(std::span<const Real> from, std::span<const Real> to, std::span<Real> squared,
                        std::span<std::int32_t> index) {
    for (std::size_t i = 0; i < squared.size(); ++i) {
        Real best = std::numeric_limits<Real>::infinity();
        std::size_t first = 0;
        for (std::size_t j = 0; j < to.size() / 3; ++j) {
            const Real x = from[3 * i] - to[3 * j], y = from[3 * i + 1] - to[3 * j + 1],
                       z = from[3 * i + 2] - to[3 * j + 2];
            const Real d = x * x + y * y + z * z;
            if (d < best) best = d, first = j;
        }
        squared[i] = best, index[i] = static_cast<std::int32_t>(first);
    }
}

template <class Real>
void nearest_points_backward_ref(std::span<const Real> from, std::span<const Real> to,
                                 std::span<const std::int32_t> index, std::span<const Real> dL_dsquared,
                                 std::span<Real> dL_dfrom, std::span<Real> dL_dto) {
    for (std::size_t i = 0; i < index.size(); ++i) {
        const auto j = static_cast<std::size_t>(index[i]);
        for (std::size_t k = 0; k < 3; ++k) {
            const Real g = 2 * dL_dsquared[i] * (from[3 * i + k] - to[3 * j + k]);
            if (!dL_dfrom.empty()) dL_dfrom[3 * i + k] += g;
            if (!dL_dto.empty()) dL_dto[3 * j + k] -= g;
        }
    }
}

}  // namespace nir::kernels
