// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The formulas of kernels/row_ops.h as plain loops. The double instances are what finite differences run through; the
// vectorised ones hand the channels that fill no vector to these, from channel `from` on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nir::kernels {

template <class Real>
void affine_relu_ref(const Real* x, std::size_t n, std::size_t f, const Real* scale, const Real* shift, Real* y,
                     std::size_t from = 0) {
    for (std::size_t r = 0; r < n; ++r)
        for (std::size_t c = from; c < f; ++c) {
            const Real v = scale[c] * x[r * f + c] + shift[c];
            y[r * f + c] = v < Real(0) ? Real(0) : v;  // a NaN stays
        }
}

template <class Real>
void add_moments_ref(const Real* x, std::size_t n, std::size_t f, const Real* pivot, double* sum, double* square,
                     std::size_t from = 0) {
    for (std::size_t r = 0; r < n; ++r)
        for (std::size_t c = from; c < f; ++c) {
            const double d = static_cast<double>(x[r * f + c] - pivot[c]);
            sum[c] += d, square[c] += d * d;
        }
}

template <class Real>
void relu_norm_sums_ref(Real* g, const Real* y, const Real* x, std::size_t n, std::size_t f, const Real* mean,
                        const Real* inverse, double* sum, double* sum_n, std::size_t from = 0) {
    for (std::size_t r = 0; r < n; ++r)
        for (std::size_t c = from; c < f; ++c) {
            const std::size_t i = r * f + c;
            if (!(y[i] > Real(0))) g[i] = 0;
            sum[c] += static_cast<double>(g[i]);
            sum_n[c] += static_cast<double>(g[i] * ((x[i] - mean[c]) * inverse[c]));
        }
}

template <class Real>
void norm_backward_ref(const Real* g, const Real* x, std::size_t n, std::size_t f, const Real* scale,
                       const Real* offset, const Real* slope, const Real* mean, Real* d, bool add,
                       std::size_t from = 0) {
    for (std::size_t r = 0; r < n; ++r)
        for (std::size_t c = from; c < f; ++c) {
            const std::size_t i = r * f + c;
            const Real v = scale[c] * g[i] - offset[c] - slope[c] * (x[i] - mean[c]);
            d[i] = add ? d[i] + v : v;
        }
}

template <class Real>
void max_over_rows_ref(const Real* x, std::size_t n, std::size_t f, Real* best, std::int32_t* row,
                       std::size_t from = 0) {
    for (std::size_t c = from; c < f; ++c) best[c] = x[c], row[c] = 0;
    for (std::size_t r = 1; r < n; ++r)
        for (std::size_t c = from; c < f; ++c) {
            const Real v = x[r * f + c];
            if (v > best[c] || (v != v && best[c] == best[c])) best[c] = v, row[c] = static_cast<std::int32_t>(r);
        }
}

}  // namespace nir::kernels
