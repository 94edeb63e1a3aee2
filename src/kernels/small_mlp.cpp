// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// All three products of a layer are C = A B with vectors along the columns of B and C and broadcast numbers of A:
//     y = x Wᵀ          A = x [row, in]        B = packed weights [in, out]
//     dx = dy W         A = dy [row, out]      B = weights [out, in]
//     dW = dyᵀ x        A = dyᵀ [out, row]     B = x [row, in]
// so rows stay rows and nothing is transposed but the weights, once a step.
#include "nir/kernels/small_mlp.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/small_mlp.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;

enum class Finish { store, relu, mask, add };

/// A(m, k) at a[m * a_row + k * a_k]; B row k at b + k * b_row; C row m at c + m * c_row.
struct Product {
    const float* a;
    std::size_t a_row, a_k;
    const float* b;
    std::size_t b_row;
    float* c;
    std::size_t c_row;
    const float* mask;  ///< like C; Finish::mask keeps C where mask > 0
    std::size_t m, n, k;
};

/// kM rows times kN vectors of C, all of it in registers.
template <std::size_t kM, std::size_t kN, Finish finish>
HWY_INLINE void Block(const Product& p, std::size_t row, std::size_t column) {
    const D d;
    const std::size_t lanes = hn::Lanes(d);
    hn::Vec<D> sum[kM][kN];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kM; ++r)
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kN; ++v) sum[r][v] = hn::Zero(d);
    const float* a = p.a + row * p.a_row;
    const float* b = p.b + column;
    for (std::size_t k = 0; k < p.k; ++k, a += p.a_k, b += p.b_row) {
        hn::Vec<D> line[kN];
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kN; ++v) line[v] = hn::LoadU(d, b + v * lanes);
#pragma GCC unroll 8
        for (std::size_t r = 0; r < kM; ++r) {
            const auto value = hn::Set(d, a[r * p.a_row]);
#pragma GCC unroll 4
            for (std::size_t v = 0; v < kN; ++v) sum[r][v] = hn::MulAdd(value, line[v], sum[r][v]);
        }
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kM; ++r)
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kN; ++v) {
            const std::size_t at = (row + r) * p.c_row + column + v * lanes;
            auto value = sum[r][v];
            if constexpr (finish == Finish::relu) value = hn::Max(value, hn::Zero(d));
            if constexpr (finish == Finish::mask)
                value = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, p.mask + at), hn::Zero(d)), value);
            if constexpr (finish == Finish::add) value = hn::Add(value, hn::LoadU(d, p.c + at));
            hn::StoreU(value, d, p.c + at);
        }
}

/// 16 registers hold 4 x 2 sums, 32 hold 8 x 2.
constexpr std::size_t kRows = HWY_TARGET <= HWY_AVX3 ? 8 : 4;

template <std::size_t kN, Finish finish>
HWY_INLINE void Columns(const Product& p, std::size_t column) {
    std::size_t row = 0;
    for (; row + kRows <= p.m; row += kRows) Block<kRows, kN, finish>(p, row, column);
    for (; row < p.m; ++row) Block<1, kN, finish>(p, row, column);
}

template <Finish finish>
HWY_NOINLINE void Multiply(const Product& p) {
    const std::size_t lanes = hn::Lanes(D());
    std::size_t column = 0;
    for (; column + 2 * lanes <= p.n; column += 2 * lanes) Columns<2, finish>(p, column);
    for (; column < p.n; column += lanes) Columns<1, finish>(p, column);
}

void MlpForward(const SmallMlp& mlp, const float* packed, std::size_t rows, const float* x, std::size_t x_stride,
                float* hidden, float* y, std::size_t y_stride) {
    for (std::size_t begin = 0; begin < rows; begin += kMlpRows) {
        const std::size_t count = std::min(kMlpRows, rows - begin);
        const float* in = x + begin * x_stride;
        std::size_t in_stride = x_stride;
        const float* w = packed;
        float* layer = hidden;
        for (std::size_t l = 0; l < mlp.layers; ++l) {
            const std::size_t n_in = mlp.widths[l], n_out = mlp.widths[l + 1];
            if (l + 1 == mlp.layers) {
                Multiply<Finish::store>(
                    {in, in_stride, 1, w, n_out, y + begin * y_stride, y_stride, nullptr, count, n_out, n_in});
                break;
            }
            float* out = layer + begin * n_out;
            Multiply<Finish::relu>({in, in_stride, 1, w, n_out, out, n_out, nullptr, count, n_out, n_in});
            in = out, in_stride = n_out;
            layer += rows * n_out;
            w += n_in * n_out;
        }
    }
}

/// Rows [begin, begin + count) of mlp_backward.
struct Backward {
    const SmallMlp& mlp;
    const float* weights;
    std::size_t rows;
    const float* x;
    std::size_t x_stride;
    const float* hidden;
    float *dx, *dw, *scratch;
    std::size_t dx_stride;

    void run(std::size_t begin, std::size_t count, const float* dy, std::size_t dy_stride) const {
        const float* g = dy + begin * dy_stride;
        std::size_t g_stride = dy_stride;
        const float* w = weights + mlp.weights();
        float* dw_layer = dw + mlp.weights();
        const float* layer = hidden + mlp.hidden() * rows;
        for (std::size_t l = mlp.layers; l-- > 0;) {
            const std::size_t n_in = mlp.widths[l], n_out = mlp.widths[l + 1];
            w -= n_in * n_out, dw_layer -= n_in * n_out;
            if (l > 0) layer -= rows * n_in;
            const float* below = l > 0 ? layer + begin * n_in : x + begin * x_stride;
            const std::size_t below_stride = l > 0 ? n_in : x_stride;
            Multiply<Finish::add>({g, 1, g_stride, below, below_stride, dw_layer, n_in, nullptr, n_out, n_in, count});
            if (l == 0) {
                if (dx)
                    Multiply<Finish::store>(
                        {g, g_stride, 1, w, n_in, dx + begin * dx_stride, dx_stride, nullptr, count, n_in, n_out});
                return;
            }
            float* next = scratch + (l % 2) * kMlpRows * mlp.widest();
            Multiply<Finish::mask>({g, g_stride, 1, w, n_in, next, n_in, below, count, n_in, n_out});
            g = next, g_stride = n_in;
        }
    }
};

void MlpBackward(const SmallMlp& mlp, const float* weights, std::size_t rows, const float* x, std::size_t x_stride,
                 const float* hidden, const float* dy, std::size_t dy_stride, float* dx, std::size_t dx_stride,
                 float* dw, float* scratch) {
    const Backward pass{mlp, weights, rows, x, x_stride, hidden, dx, dw, scratch, dx_stride};
    for (std::size_t begin = 0; begin < rows; begin += kMlpRows)
        pass.run(begin, std::min(kMlpRows, rows - begin), dy, dy_stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(MlpForward);
HWY_EXPORT(MlpBackward);

void mlp_pack(const SmallMlp& mlp, std::span<const float> weights, std::span<float> packed) {
    std::size_t at = 0;
    for (std::size_t l = 0; l < mlp.layers; ++l) {
        const std::size_t in = mlp.widths[l], out = mlp.widths[l + 1];
        for (std::size_t o = 0; o < out; ++o)
            for (std::size_t i = 0; i < in; ++i) packed[at + i * out + o] = weights[at + o * in + i];
        at += in * out;
    }
}

void mlp_forward(const SmallMlp& mlp, std::span<const float> packed, std::size_t rows, const float* x,
                 std::size_t x_stride, std::span<float> hidden, float* y, std::size_t y_stride) {
    HWY_DYNAMIC_DISPATCH(MlpForward)(mlp, packed.data(), rows, x, x_stride, hidden.data(), y, y_stride);
}

void mlp_backward(const SmallMlp& mlp, std::span<const float> weights, std::size_t rows, const float* x,
                  std::size_t x_stride, std::span<const float> hidden, const float* dL_dy, std::size_t dy_stride,
                  float* dL_dx, std::size_t dx_stride, std::span<float> dL_dw, std::span<float> scratch) {
    HWY_DYNAMIC_DISPATCH(MlpBackward)
    (mlp, weights.data(), rows, x, x_stride, hidden.data(), dL_dy, dy_stride, dL_dx, dx_stride, dL_dw.data(),
     scratch.data());
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
