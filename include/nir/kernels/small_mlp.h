// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace nir::kernels {

/// A small fully connected network without biases: ReLU behind every layer but the last. Widths are multiples of 16
/// (pad with zero weights). Weights are (out, in) row-major, layer after layer.
/// Ref: mueller2021 (fully fused networks).
struct SmallMlp {
    static constexpr std::size_t kMostLayers = 4;
    std::size_t layers = 0;
    std::array<std::size_t, kMostLayers + 1> widths{};  ///< input, hidden …, output

    std::size_t in() const { return widths[0]; }
    std::size_t out() const { return widths[layers]; }
    std::size_t weights() const {
        std::size_t n = 0;
        for (std::size_t l = 0; l < layers; ++l) n += widths[l] * widths[l + 1];
        return n;
    }
    /// Numbers per row that the forward pass keeps for the backward pass: the hidden activations.
    std::size_t hidden() const {
        std::size_t n = 0;
        for (std::size_t l = 1; l < layers; ++l) n += widths[l];
        return n;
    }
    std::size_t widest() const {
        std::size_t n = 0;
        for (std::size_t l = 0; l <= layers; ++l) n = n < widths[l] ? widths[l] : n;
        return n;
    }
};

/// Rows that the passes take through all layers at a time, so that they stay in the first caches.
inline constexpr std::size_t kMlpRows = 64;

/// Transposes every layer for the forward pass: packed [weights()], (in, out) row-major.
void mlp_pack(const SmallMlp& mlp, std::span<const float> weights, std::span<float> packed);

/// y = f(x).
/// @param packed of mlp_pack @param x row i at i * x_stride @param hidden [hidden() * rows]: for each layer
/// [rows, width], kept for mlp_backward @param y row i at i * y_stride, overwritten.
/// rows = 0 is allowed. Thread-safe, no allocation.
void mlp_forward(const SmallMlp& mlp, std::span<const float> packed, std::size_t rows, const float* x,
                 std::size_t x_stride, std::span<float> hidden, float* y, std::size_t y_stride);

/// Gradients of a loss, given dL/dy.
/// @param weights as they are, not packed @param x, hidden as in the forward pass
/// @param dL_dx overwritten, row i at i * dx_stride; nullptr: not wanted
/// @param dL_dw [weights()], added to @param scratch at least 2 * kMlpRows * widest() numbers.
void mlp_backward(const SmallMlp& mlp, std::span<const float> weights, std::size_t rows, const float* x,
                  std::size_t x_stride, std::span<const float> hidden, const float* dL_dy, std::size_t dy_stride,
                  float* dL_dx, std::size_t dx_stride, std::span<float> dL_dw, std::span<float> scratch);

}  // namespace nir::kernels
