// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nir::kernels {

/// Words that hold n bits.
inline constexpr std::size_t words_of_bits(std::size_t n) { return (n + 63) / 64; }

/// Bit i of the words is set where values[i] > threshold is false (a NaN counts as such); bits beyond the last are 0.
/// @param bits [words_of_bits(values.size())], overwritten. Single-threaded, no allocation; float runs on vectors.
void not_above_bits(std::span<const float> values, float threshold, std::span<std::uint64_t> bits);
void not_above_bits(std::span<const double> values, double threshold, std::span<std::uint64_t> bits);

}  // namespace nir::kernels
