// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstdint>
#include <span>

/// What a training step of a point network does to rows of features besides multiplying matrices: x [N,F], one row a
/// point, F channels; N = x.size() / F, F = the size of the arrays per channel. Single-threaded, no allocation to speak
/// of. float runs on vectors of channels (Highway), double is the plain loop (row_ops_ref.h), for finite differences.
/// Sums of float are added up in float over 64 rows and then in double.
namespace nir::kernels {

/// y = max(0, scale x + shift). @param scale, shift [F]  @param y [N,F], may be x
void affine_relu(std::span<const float> x, std::span<const float> scale, std::span<const float> shift,
                 std::span<float> y);
void affine_relu(std::span<const double> x, std::span<const double> scale, std::span<const double> shift,
                 std::span<double> y);

/// Adds sum of (x - pivot) and of its square over the rows to `sum` and `square`. A pivot near the values keeps the
/// digits of the variance. @param pivot, sum, square [F]
void add_moments(std::span<const float> x, std::span<const float> pivot, std::span<double> sum,
                 std::span<double> square);
void add_moments(std::span<const double> x, std::span<const double> pivot, std::span<double> sum,
                 std::span<double> square);

/// Backward through y = relu(gamma n + beta), n = (x - mean) inverse, first half: sets g to 0 where y is not above 0,
/// adds the sums of g and of g n over the rows: the derivatives of beta and gamma.
/// @param g [N,F] dL/dy, masked in place  @param y, x [N,F]  @param mean, inverse, sum, sum_n [F]
void relu_norm_sums(std::span<float> g, std::span<const float> y, std::span<const float> x, std::span<const float> mean,
                    std::span<const float> inverse, std::span<double> sum, std::span<double> sum_n);
void relu_norm_sums(std::span<double> g, std::span<const double> y, std::span<const double> x,
                    std::span<const double> mean, std::span<const double> inverse, std::span<double> sum,
                    std::span<double> sum_n);

/// Second half, once the sums over the batch are known: d = [d +] scale g - offset - slope (x - mean).
/// @param g, x [N,F]  @param scale, offset, slope, mean [F]  @param d [N,F], may be g  @param add  to what is in d
void norm_backward(std::span<const float> g, std::span<const float> x, std::span<const float> scale,
                   std::span<const float> offset, std::span<const float> slope, std::span<const float> mean,
                   std::span<float> d, bool add);
void norm_backward(std::span<const double> g, std::span<const double> x, std::span<const double> scale,
                   std::span<const double> offset, std::span<const double> slope, std::span<const double> mean,
                   std::span<double> d, bool add);

/// Largest value of each channel over the rows and the first row that holds it; a NaN wins and is passed on. N >= 1.
/// @param best, row [F], overwritten
void max_over_rows(std::span<const float> x, std::span<float> best, std::span<std::int32_t> row);
void max_over_rows(std::span<const double> x, std::span<double> best, std::span<std::int32_t> row);

}  // namespace nir::kernels
