// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// kernels/level_bits.h as a plain loop.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nir::kernels {

/// One word: n <= 64 values.
template <class Real>
std::uint64_t not_above_word_ref(const Real* values, std::size_t n, Real threshold) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < n; ++i) word |= static_cast<std::uint64_t>(!(values[i] > threshold)) << i;
    return word;
}

}  // namespace nir::kernels
