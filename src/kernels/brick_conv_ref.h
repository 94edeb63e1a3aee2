// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The convolution of brick_conv.h as plain loops.
#pragma once

#include <cstddef>
#include <span>

namespace nir::kernels {

/// One brick: x [t, t, t, in] -> y [side, side, side, out].
template <class Real>
void brick_conv_ref(std::span<const Real> weight, std::span<const Real> bias, std::size_t in, std::size_t kernel,
                    std::span<const Real> x, std::size_t side, bool relu, std::span<Real> y) {
    const std::size_t out = bias.size(), t = side + kernel - 1;
    for (std::size_t cz = 0; cz < side; ++cz)
        for (std::size_t cy = 0; cy < side; ++cy)
            for (std::size_t cx = 0; cx < side; ++cx)
                for (std::size_t o = 0; o < out; ++o) {
                    Real sum = bias[o];
                    for (std::size_t kz = 0; kz < kernel; ++kz)
                        for (std::size_t ky = 0; ky < kernel; ++ky)
                            for (std::size_t kx = 0; kx < kernel; ++kx)
                                for (std::size_t i = 0; i < in; ++i)
                                    sum += weight[(((o * in + i) * kernel + kz) * kernel + ky) * kernel + kx] *
                                           x[(((cz + kz) * t + cy + ky) * t + cx + kx) * in + i];
                    y[((cz * side + cy) * side + cx) * out + o] = relu && sum < 0 ? Real{0} : sum;
                }
}

/// Adds one brick's share: x [t, t, t, in], dL_dy [side, side, side, out] -> dL_dweight [kernel^3, in, out].
template <class Real>
void add_brick_conv_gradient_ref(std::span<const Real> x, std::span<const Real> dL_dy, std::size_t side,
                                 std::size_t kernel, std::size_t in, std::size_t out, std::span<Real> dL_dweight) {
    const std::size_t t = side + kernel - 1;
    for (std::size_t k = 0; k < kernel * kernel * kernel; ++k)
        for (std::size_t c = 0; c < side * side * side; ++c) {
            const std::size_t cz = c / (side * side) + k / (kernel * kernel);
            const std::size_t cy = c / side % side + k / kernel % kernel, cx = c % side + k % kernel;
            for (std::size_t i = 0; i < in; ++i)
                for (std::size_t o = 0; o < out; ++o)
                    dL_dweight[(k * in + i) * out + o] += x[((cz * t + cy) * t + cx) * in + i] * dL_dy[c * out + o];
        }
}

}  // namespace nir::kernels
