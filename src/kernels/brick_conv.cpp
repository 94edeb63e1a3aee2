// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Before Highway: registers are held in arrays of vectors, which vectors of unknown length do not allow.
// clang-format off
#include "kernels/sized_vectors.h"
// clang-format on

#include "nir/kernels/brick_conv.h"

#include "nir/base/error.h"
#include "nir/kernels/plane_conv.h"

#include <algorithm>

#ifndef NIR_KERNELS_BRICK_CONV_VIEW_
#define NIR_KERNELS_BRICK_CONV_VIEW_
namespace nir::kernels {

inline constexpr std::size_t kOutBlock = 32;

struct BrickConv::View {
    const float* weight;  ///< [blocks][taps][in][kOutBlock]
    const float* bias;
    std::size_t in, out, taps;
    const std::size_t* tap;    ///< [taps] floats from a cell's first neighbour to each
    const std::size_t* cell;   ///< [cells] floats from a brick's start to each cell's first neighbour
    std::size_t cells, brick;  ///< cells of a brick; floats of its input
};

/// Sizes of a weight gradient, as above.
struct ConvGradientView {
    std::size_t in, out, taps;
    const std::size_t *tap, *cell;
    std::size_t cells, brick;
};

}  // namespace nir::kernels
#endif  // NIR_KERNELS_BRICK_CONV_VIEW_

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/brick_conv.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using ConvD = hn::CappedTag<float, 16>;
using ConvV = hn::Vec<ConvD>;
constexpr std::size_t kConvLanes = hn::MaxLanes(ConvD());
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
constexpr std::size_t kTogether = 8;  // cells; times two vectors of sums
#else
constexpr std::size_t kTogether = 4;
#endif

/// Sums of kTogether cells and kVec vectors of outputs; `x` points at each cell's first neighbour.
template <std::size_t kVec>
HWY_INLINE void ConvSums(const BrickConv::View& v, const float* HWY_RESTRICT w, const float* const* x,
                         ConvV (&sum)[kTogether][kVec]) {
    const ConvD d;
    for (std::size_t t = 0; t < v.taps; ++t) {
        const float* at[kTogether];
        HWY_UNROLL(8)
        for (std::size_t c = 0; c < kTogether; ++c) at[c] = x[c] + v.tap[t];
        for (std::size_t i = 0; i < v.in; ++i, w += kOutBlock) {
            ConvV weight[kVec];
            HWY_UNROLL(2)
            for (std::size_t k = 0; k < kVec; ++k) weight[k] = hn::LoadU(d, w + k * kConvLanes);
            HWY_UNROLL(8)
            for (std::size_t c = 0; c < kTogether; ++c) {
                const ConvV s = hn::Set(d, at[c][i]);
                HWY_UNROLL(2)
                for (std::size_t k = 0; k < kVec; ++k) sum[c][k] = hn::MulAdd(s, weight[k], sum[c][k]);
            }
        }
    }
}

/// Outputs first .. first + kVec vectors of all cells of n bricks.
template <std::size_t kVec>
HWY_NOINLINE void ConvOutputs(const BrickConv::View& v, std::size_t first, const float* x, std::size_t n, bool relu,
                              float* HWY_RESTRICT y) {
    const ConvD d;
    const float* w = v.weight + first / kOutBlock * kOutBlock * v.taps * v.in + first % kOutBlock;
    const std::size_t all = n * v.cells, known = std::min(kVec * kConvLanes, v.out - first);
    const ConvV zero = hn::Zero(d);
    for (std::size_t at = 0; at < all; at += kTogether) {
        const float* cell[kTogether];
        const std::size_t count = std::min(kTogether, all - at);
        for (std::size_t c = 0; c < kTogether; ++c) {
            const std::size_t i = at + std::min(c, count - 1);
            cell[c] = x + i / v.cells * v.brick + v.cell[i % v.cells];
        }
        ConvV sum[kTogether][kVec];
        HWY_UNROLL(2)
        for (std::size_t k = 0; k < kVec; ++k) {
            const ConvV b = hn::LoadU(d, v.bias + first + k * kConvLanes);
            HWY_UNROLL(8)
            for (std::size_t c = 0; c < kTogether; ++c) sum[c][k] = b;
        }
        ConvSums<kVec>(v, w, cell, sum);
        HWY_ALIGN float result[kTogether][kVec * kConvLanes];
        HWY_UNROLL(8)
        for (std::size_t c = 0; c < kTogether; ++c) HWY_UNROLL(2)
        for (std::size_t k = 0; k < kVec; ++k) {
            ConvV s = sum[c][k];
            if (relu) s = hn::IfThenElse(hn::Lt(s, zero), zero, s);  // NaN stays
            hn::Store(s, d, result[c] + k * kConvLanes);
        }
        for (std::size_t c = 0; c < count; ++c) std::copy_n(result[c], known, y + (at + c) * v.out + first);
    }
}

void ConvBricks(const BrickConv::View& v, const float* x, std::size_t n, bool relu, float* y) {
    for (std::size_t first = 0; first < v.out;) {
        if (v.out - first > kConvLanes) {
            ConvOutputs<2>(v, first, x, n, relu, y);
            first += 2 * kConvLanes;
        } else {
            ConvOutputs<1>(v, first, x, n, relu, y);
            first += kConvLanes;
        }
    }
}

/// Adds the products of kRows inputs from i on and kVec vectors of gradients from o on, of one tap, over n bricks.
template <std::size_t kRows, std::size_t kVec>
HWY_INLINE void AddProducts(const ConvGradientView& v, const float* HWY_RESTRICT x, const float* HWY_RESTRICT g,
                            std::size_t n, std::size_t skip, std::size_t known, float* HWY_RESTRICT to) {
    const ConvD d;
    ConvV sum[kRows][kVec];
    HWY_UNROLL(8)
    for (std::size_t r = 0; r < kRows; ++r) HWY_UNROLL(2)
    for (std::size_t k = 0; k < kVec; ++k) sum[r][k] = hn::Zero(d);
    const bool whole = known == kVec * kConvLanes;
    HWY_ALIGN float part[kVec * kConvLanes] = {};
    for (std::size_t b = 0; b < n; ++b, x += v.brick)
        for (std::size_t c = 0; c < v.cells; ++c, g += v.out) {
            const float* at = x + v.cell[c];
            if (!whole) std::copy_n(g, known, part);
            const float* from = whole ? g : part;
            ConvV dL[kVec];
            HWY_UNROLL(2)
            for (std::size_t k = 0; k < kVec; ++k) dL[k] = hn::LoadU(d, from + k * kConvLanes);
            HWY_UNROLL(8)
            for (std::size_t r = 0; r < kRows; ++r) {
                const ConvV s = hn::Set(d, at[r]);
                HWY_UNROLL(2)
                for (std::size_t k = 0; k < kVec; ++k) sum[r][k] = hn::MulAdd(s, dL[k], sum[r][k]);
            }
        }
    HWY_ALIGN float result[kRows][kVec * kConvLanes];
    HWY_UNROLL(8)
    for (std::size_t r = 0; r < kRows; ++r) HWY_UNROLL(2)
    for (std::size_t k = 0; k < kVec; ++k) hn::Store(sum[r][k], d, result[r] + k * kConvLanes);
    for (std::size_t r = skip; r < kRows; ++r)
        for (std::size_t k = 0; k < known; ++k) to[r * v.out + k] += result[r][k];
}

template <std::size_t kVec>
void AddWeightGradientOutputs(const ConvGradientView& v, const float* x, const float* g, std::size_t n,
                              std::size_t known, float* to) {
    for (std::size_t t = 0; t < v.taps; ++t, to += v.in * v.out) {
        const float* from = x + v.tap[t];
        if (v.in < kTogether) {
            for (std::size_t i = 0; i < v.in; ++i) AddProducts<1, kVec>(v, from + i, g, n, 0, known, to + i * v.out);
            continue;
        }
        for (std::size_t i = 0; i < v.in; i += kTogether) {
            const std::size_t first = std::min(i, v.in - kTogether);  // the last rows overlap those before
            AddProducts<kTogether, kVec>(v, from + first, g, n, i - first, known, to + first * v.out);
        }
    }
}

void AddWeightGradient(const ConvGradientView& v, const float* x, const float* g, std::size_t n, float* to) {
    for (std::size_t o = 0; o < v.out;) {
        const std::size_t left = v.out - o;
        if (left >= 2 * kConvLanes) {
            AddWeightGradientOutputs<2>(v, x, g + o, n, 2 * kConvLanes, to + o);
            o += 2 * kConvLanes;
        } else {
            const std::size_t known = std::min(left, kConvLanes);
            AddWeightGradientOutputs<1>(v, x, g + o, n, known, to + o);
            o += known;
        }
    }
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(ConvBricks);
HWY_EXPORT(AddWeightGradient);

namespace {

/// Floats from the start of m^3 cells to each of them, in a cube of t^3 cells.
std::vector<std::size_t> places(std::size_t m, std::size_t t, std::size_t channels) {
    std::vector<std::size_t> at;
    at.reserve(m * m * m);
    for (std::size_t cz = 0; cz < m; ++cz)
        for (std::size_t cy = 0; cy < m; ++cy)
            for (std::size_t cx = 0; cx < m; ++cx) at.push_back(((cz * t + cy) * t + cx) * channels);
    return at;
}

}  // namespace

namespace {

/// [out, in, taps] -> [block of 32 outputs][tap][in][32], zeros beyond the last output.
std::vector<float> packed(std::span<const float> weight, std::size_t in, std::size_t out, std::size_t taps) {
    NIR_CHECK(in > 0 && out > 0 && weight.size() == out * in * taps);
    std::vector<float> to((out + kOutBlock - 1) / kOutBlock * taps * in * kOutBlock);
    const float* from = weight.data();
    for (std::size_t o = 0; o < out; ++o) {
        float* block = to.data() + o / kOutBlock * taps * in * kOutBlock + o % kOutBlock;
        for (std::size_t i = 0; i < in; ++i)
            for (std::size_t t = 0; t < taps; ++t) block[(t * in + i) * kOutBlock] = *from++;
    }
    return to;
}
std::vector<float> padded(std::span<const float> bias, std::size_t out) {
    NIR_CHECK(bias.size() == out);
    std::vector<float> to((out + kOutBlock - 1) / kOutBlock * kOutBlock);
    std::ranges::copy(bias, to.begin());
    return to;
}

}  // namespace

BrickConv::BrickConv(std::span<const float> weight, std::span<const float> bias, std::size_t in, std::size_t out,
                     std::size_t kernel)
    : in_(in), out_(out), kernel_(kernel) {
    NIR_CHECK(kernel == 1 || kernel == 3);
    weight_ = packed(weight, in, out, kernel * kernel * kernel);
    bias_ = padded(bias, out);
}

PlaneConv::PlaneConv(std::span<const float> weight, std::span<const float> bias, std::size_t in, std::size_t out,
                     std::size_t kernel)
    : in_(in), out_(out), kernel_(kernel) {
    NIR_CHECK(kernel == 1 || kernel == 3);
    weight_ = packed(weight, in, out, kernel * kernel);
    bias_ = padded(bias, out);
}

void PlaneConv::run(std::span<const float> x, std::size_t height, std::size_t width, bool relu,
                    std::span<float> y) const {
    const std::size_t along = width + kernel_ - 1;
    NIR_CHECK(height > 0 && width > 0 && y.size() == height * width * out_);
    NIR_CHECK(x.size() == (height + kernel_ - 1) * along * in_);
    const auto places = [&](std::size_t rows, std::size_t columns) {
        std::vector<std::size_t> at;
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c) at.push_back((r * along + c) * in_);
        return at;
    };
    const auto tap = places(kernel_, kernel_), cell = places(height, width);
    const BrickConv::View view{weight_.data(), bias_.data(), in_,         out_,    tap.size(),
                               tap.data(),     cell.data(),  cell.size(), x.size()};
    HWY_DYNAMIC_DISPATCH(ConvBricks)(view, x.data(), 1, relu, y.data());
}

void BrickConv::run(std::span<const float> x, std::size_t side, bool relu, std::span<float> y) const {
    NIR_CHECK(side >= 1 && side <= 64);
    const std::size_t t = side + kernel_ - 1, cells = side * side * side, brick = t * t * t * in_;
    const std::size_t n = y.size() / (cells * out_);
    NIR_CHECK(y.size() == n * cells * out_ && x.size() == n * brick);
    const auto tap = places(kernel_, t, in_), cell = places(side, t, in_);
    const View view{weight_.data(), bias_.data(), in_, out_, tap.size(), tap.data(), cell.data(), cells, brick};
    HWY_DYNAMIC_DISPATCH(ConvBricks)(view, x.data(), n, relu, y.data());
}

void add_brick_conv_gradient(std::span<const float> x, std::span<const float> dL_dy, std::size_t side,
                             std::size_t kernel, std::size_t in, std::size_t out, std::span<float> dL_dweight) {
    NIR_CHECK((kernel == 1 || kernel == 3) && in > 0 && out > 0 && side >= 1 && side <= 64);
    const std::size_t t = side + kernel - 1, cells = side * side * side, brick = t * t * t * in;
    const std::size_t n = dL_dy.size() / (cells * out);
    NIR_CHECK(dL_dy.size() == n * cells * out && x.size() == n * brick);
    NIR_CHECK(dL_dweight.size() == kernel * kernel * kernel * in * out);
    const auto tap = places(kernel, t, in), cell = places(side, t, in);
    const ConvGradientView view{in, out, tap.size(), tap.data(), cell.data(), cells, brick};
    HWY_DYNAMIC_DISPATCH(AddWeightGradient)(view, x.data(), dL_dy.data(), n, dL_dweight.data());
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
