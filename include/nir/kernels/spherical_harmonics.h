// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <span>

namespace nir::kernels {

/// Values of a direction in the real spherical harmonics up to degree 4 (l = 0..3).
inline constexpr std::size_t kSphericalHarmonics = 16;

/// Real spherical harmonics with Condon-Shortley signs, l(l+1)+m in order: out[i * stride + 0..15].
/// @param x, y, z unit vectors [N], not checked. Thread-safe, no allocation.
/// Ref: mueller2022 §4 (degree 4); Sloan 2013 for the polynomials.
void spherical_harmonics(std::span<const float> x, std::span<const float> y, std::span<const float> z,
                         std::span<float> out, std::size_t stride);

}  // namespace nir::kernels
