// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nir::kernels {

/// Adam for tables of which a step touches a part: numbers whose gradient is exactly zero keep value and moments, and
/// each entry counts its own steps. Ref: kingma2015; mueller2022 §4 (skipping zero gradients).
/// Deviation: steps are counted per entry, not per number.
struct SparseAdam {
    float learning_rate = 1e-2f, beta1 = 0.9f, beta2 = 0.99f;
    float eps = 1e-15f;  ///< outside the root, so small that rarely hit entries move at full size
};

/// One table (or one level of it) of entries of 2 or 4 numbers.
struct SparseTable {
    std::size_t features = 4;
    std::span<float> gradient;        ///< [entries, features], cleared where it was used
    std::span<std::uint8_t> touched;  ///< one byte per kHashGridBlock entries, cleared
    std::span<float> weights;         ///< [entries, features]
    std::span<float> moments;         ///< [entries, 2 features]: first, then second
    std::span<std::uint16_t> steps;   ///< [entries], stays at its largest value
    std::span<std::uint16_t> half;    ///< [entries, features]: IEEE halves of the weights
};

/// One step over the touched blocks. Single-threaded.
void sparse_adam_step(const SparseAdam& adam, const SparseTable& table);

}  // namespace nir::kernels
