// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <span>

namespace nir::kernels {

/// One step of Adam on one stretch of parameters, in one pass over the memory:
///     m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g²,   p = p - step m / (sqrt(v) / root + eps)
struct AdamStep {
    double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    double step = 0;        ///< learning rate / (1 - beta1^n) in step n
    double root = 1;        ///< sqrt(1 - beta2^n)
    double grad_scale = 1;  ///< g = grad_scale * gradient (clipping)
};
/// @param p, m, v  updated; @param gradient  as long. Single-threaded; float runs on vectors (Highway).
/// Ref: kingma2015, algorithm 1, in the order of operations of torch.optim.Adam.
void adam_step(const AdamStep& step, std::span<float> p, std::span<const float> gradient, std::span<float> m,
               std::span<float> v);
void adam_step(const AdamStep& step, std::span<double> p, std::span<const double> gradient, std::span<double> m,
               std::span<double> v);

/// Sum of squares; float values are added up in vectors of float over stretches of 4096 and then in double.
double sum_of_squares(std::span<const float> x);
double sum_of_squares(std::span<const double> x);

}  // namespace nir::kernels
