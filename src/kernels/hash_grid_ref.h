// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// kernels/hash_grid.h as plain loops, one equation per block.
#pragma once

#include "nir/kernels/hash_grid.h"

#include <array>
#include <cmath>

namespace nir::kernels {

/// The eight vertices around a point (in a plane the first four): entries, weights, and the weights' derivatives by x,
/// y, z of the unit cube.
template <class Real>
struct GridCorners {
    std::array<std::uint32_t, 8> entry{};
    std::array<Real, 8> weight{};
    std::array<std::array<Real, 3>, 8> slope{};
};

template <class Real>
GridCorners<Real> grid_corners_ref(const HashGridLevel& level, const std::array<Real, 3>& point, int dimensions = 3) {
    std::array<std::uint32_t, 3> cell{};
    std::array<Real, 3> t{};
    for (std::size_t a = 0; a < static_cast<std::size_t>(dimensions); ++a) {
        const Real x = point[a] > 0 ? (point[a] < 1 ? point[a] : Real(1)) : Real(0);  // NaN to 0
        const Real q = std::fma(static_cast<Real>(level.scale), x, Real(0.5));
        cell[a] = static_cast<std::uint32_t>(std::floor(q));
        t[a] = q - std::floor(q);
    }
    GridCorners<Real> out;
    for (std::uint32_t c = 0; c < (1u << dimensions); ++c) {
        const std::array<std::uint32_t, 3> up{c & 1, (c >> 1) & 1, c >> 2};
        std::array<Real, 3> w{};
        for (std::size_t a = 0; a < 3; ++a) w[a] = up[a] ? t[a] : 1 - t[a];
        out.entry[c] = hash_grid_entry(level, cell[0] + up[0], cell[1] + up[1], cell[2] + up[2]);
        out.weight[c] = w[0] * w[1] * w[2];
        for (std::size_t a = 0; a < 3; ++a) {
            const Real others = w[(a + 1) % 3] * w[(a + 2) % 3];
            out.slope[c][a] = (up[a] ? others : -others) * static_cast<Real>(level.scale);
        }
    }
    return out;
}

/// One point; out [levels * features].
template <class Real>
void hash_grid_forward_ref(const HashGridLayout& layout, const std::array<Real, 3>& point, const Real* table,
                           Real* out) {
    const auto features = static_cast<std::size_t>(layout.features);
    for (const HashGridLevel& level : layout.levels) {
        const auto corners = grid_corners_ref(level, point, layout.dimensions);
        for (std::size_t f = 0; f < features; ++f) {
            Real sum = 0;
            for (std::size_t c = 0; c < 8; ++c)
                sum += corners.weight[c] * table[(level.offset + corners.entry[c]) * features + f];
            *out++ = sum;
        }
    }
}

/// One point: adds to gradient [entries, features] of the whole table.
template <class Real>
void hash_grid_backward_ref(const HashGridLayout& layout, const std::array<Real, 3>& point, const Real* dL_dy,
                            Real* gradient) {
    const auto features = static_cast<std::size_t>(layout.features);
    for (const HashGridLevel& level : layout.levels) {
        const auto corners = grid_corners_ref(level, point, layout.dimensions);
        for (std::size_t c = 0; c < 8; ++c)
            for (std::size_t f = 0; f < features; ++f)
                gradient[(level.offset + corners.entry[c]) * features + f] += corners.weight[c] * dL_dy[f];
        dL_dy += features;
    }
}

/// One point: dL/dx.
template <class Real>
std::array<Real, 3> hash_grid_input_gradient_ref(const HashGridLayout& layout, const std::array<Real, 3>& point,
                                                 const Real* table, const Real* dL_dy) {
    const auto features = static_cast<std::size_t>(layout.features);
    std::array<Real, 3> out{};
    for (const HashGridLevel& level : layout.levels) {
        const auto corners = grid_corners_ref(level, point, layout.dimensions);
        for (std::size_t c = 0; c < 8; ++c) {
            Real value = 0;
            for (std::size_t f = 0; f < features; ++f)
                value += table[(level.offset + corners.entry[c]) * features + f] * dL_dy[f];
            for (std::size_t a = 0; a < 3; ++a) out[a] += corners.slope[c][a] * value;
        }
        dL_dy += features;
    }
    return out;
}

}  // namespace nir::kernels
