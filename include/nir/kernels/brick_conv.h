// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace nir::kernels {

/// Convolution of small cubes of cells (bricks) with a kernel of 1^3 or 3^3, channels last, weights packed for the
/// vector units: lanes hold output channels, eight cells share every weight that is read. fp32; the sum of a cell runs
/// over the taps, then over the channels, from the bias on, so a cell's bits depend on nothing but its own
/// neighbourhood. Thread-safe, calls are single-threaded and allocate a few KB. Ref: convolution as in torch (no flip).
class BrickConv {
public:
    /// @param weight [out, in, kernel, kernel, kernel], the last axis along x  @param bias [out]
    /// @param kernel 1 or 3  @throws Error internal: sizes that do not fit.
    BrickConv(std::span<const float> weight, std::span<const float> bias, std::size_t in, std::size_t out,
              std::size_t kernel);

    std::size_t in() const { return in_; }
    std::size_t out() const { return out_; }
    std::size_t kernel() const { return kernel_; }
    /// Multiplications and additions of one cell.
    double flops() const { return 2.0 * static_cast<double>(in_ * out_ * kernel_ * kernel_ * kernel_); }

    /// @param side  cells along a brick; 1..64
    /// @param x [n, t, t, t, in] with t = side + kernel - 1: the bricks with the cells around that the kernel reaches
    /// @param y [n, side, side, side, out], overwritten  @param relu  whether negative sums become 0. NaN stays NaN.
    /// n = 0 is allowed.
    void run(std::span<const float> x, std::size_t side, bool relu, std::span<float> y) const;

    struct View;  ///< what the code of an instruction set reads

private:
    std::size_t in_, out_, kernel_;
    std::vector<float> weight_;  ///< [block of 32 outputs][tap][in][32], zeros beyond the last output
    std::vector<float> bias_;    ///< [blocks * 32]
};

/// The derivative of a loss with respect to the weights of such a convolution, from that with respect to its sums;
/// added to what is there. Lanes hold outputs, eight inputs share a gradient that is read. Single-threaded.
/// @param x [n, t, t, t, in] as for run()  @param dL_dy [n, side, side, side, out]
/// @param dL_dweight [kernel^3, in, out], taps along x last
void add_brick_conv_gradient(std::span<const float> x, std::span<const float> dL_dy, std::size_t side,
                             std::size_t kernel, std::size_t in, std::size_t out, std::span<float> dL_dweight);

}  // namespace nir::kernels
