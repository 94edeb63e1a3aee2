// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace nir::kernels {

/// The 3^3 convolution of BrickConv (brick_conv.h) with 64 products instead of 216 for every 2^3 cells: cells and
/// weights are transformed by sums and differences, multiplied place by place, and transformed back. fp32, of the same
/// accuracy to a few roundings; but a cell's last bits also depend on the other cells of its 2^3, so inference, where
/// windows have to agree in every bit, keeps to BrickConv. Thread-safe; calls are single-threaded and keep up to 1 MB a
/// thread. Ref: lavin2016, F(2 x 2, 3 x 3) in three dimensions.
class WinogradConv {
public:
    /// @param weight [out, in, 3, 3, 3], the last axis along x  @param bias [out]
    /// @throws Error internal: sizes that do not fit.
    WinogradConv(std::span<const float> weight, std::span<const float> bias, std::size_t in, std::size_t out);
    /// What takes the derivatives of a convolution's sums back to its inputs: the same with turned weights, no bias.
    /// @param weight [out, in, 3, 3, 3] of the convolution  @param first  its first input that is wanted; what is made
    /// are inputs [first, in)
    static WinogradConv backward(std::span<const float> weight, std::size_t in, std::size_t out, std::size_t first = 0);

    std::size_t in() const { return in_; }
    std::size_t out() const { return out_; }

    /// @param side  cells along a brick, even, 2..64
    /// @param x [n, t, t, t, in] with t = side + 2: the bricks with the cells around
    /// @param y [n, side, side, side, out], overwritten  @param relu  whether negative sums become 0. NaN stays NaN.
    void run(std::span<const float> x, std::size_t side, bool relu, std::span<float> y) const;

private:
    WinogradConv() = default;
    std::size_t in_ = 0, out_ = 0;
    std::vector<float> weight_;  ///< [block of 32 outputs][64][in][32]
    std::vector<float> bias_;    ///< [blocks * 32]
};

/// Outputs that a call of add_winograd_gradient() takes: [32 block, 32 block + 32).
inline constexpr std::size_t kWinogradOutputs = 32;
/// Floats of what add_winograd_gradient() adds to.
inline std::size_t winograd_gradient_size(std::size_t in) { return 64 * in * kWinogradOutputs; }

/// The derivative with respect to the weights of a block of outputs, in the transformed space; added to what is there.
/// @param x as for run()  @param dL_dy [n, side, side, side, out]  @param sum [64, in, 32]
void add_winograd_gradient(std::span<const float> x, std::span<const float> dL_dy, std::size_t side, std::size_t in,
                           std::size_t out, std::size_t block, std::span<float> sum);
/// Transforms such sums back and writes the columns of that block. @param dL_dweight [27, in, out], taps along x last
void finish_winograd_gradient(std::span<const float> sum, std::size_t in, std::size_t out, std::size_t block,
                              std::span<float> dL_dweight);

}  // namespace nir::kernels
