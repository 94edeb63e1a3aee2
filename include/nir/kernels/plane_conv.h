// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace nir::kernels {

/// Convolution of a plane, or of a strip of one, with a kernel of 1^2 or 3^2, channels last: BrickConv (brick_conv.h)
/// in two dimensions, with all that is said there. Thread-safe, calls are single-threaded.
class PlaneConv {
public:
    /// @param weight [out, in, kernel, kernel]  @param bias [out]  @param kernel 1 or 3
    /// @throws Error internal: sizes that do not fit.
    PlaneConv(std::span<const float> weight, std::span<const float> bias, std::size_t in, std::size_t out,
              std::size_t kernel);

    std::size_t in() const { return in_; }
    std::size_t out() const { return out_; }
    std::size_t kernel() const { return kernel_; }

    /// @param x [height + kernel - 1, width + kernel - 1, in], with the cells around that the kernel reaches
    /// @param y [height, width, out], overwritten  @param relu  whether negative sums become 0. NaN stays NaN.
    void run(std::span<const float> x, std::size_t height, std::size_t width, bool relu, std::span<float> y) const;

private:
    std::size_t in_, out_, kernel_;
    std::vector<float> weight_, bias_;  ///< as in BrickConv
};

}  // namespace nir::kernels
