// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Before Highway: registers are held in arrays of vectors, which vectors of unknown length do not allow.
// clang-format off
#include "kernels/sized_vectors.h"
// clang-format on

#include "nir/kernels/brick_conv.h"

#include "nir/base/error.h"

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

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(ConvBricks);

BrickConv::BrickConv(std::span<const float> weight, std::span<const float> bias, std::size_t in, std::size_t out,
                     std::size_t kernel)
    : in_(in), out_(out), kernel_(kernel) {
    const std::size_t taps = kernel * kernel * kernel, blocks = (out + kOutBlock - 1) / kOutBlock;
    NIR_CHECK((kernel == 1 || kernel == 3) && in > 0 && out > 0);
    NIR_CHECK(weight.size() == out * in * taps && bias.size() == out);
    weight_.assign(blocks * taps * in * kOutBlock, 0.0f);
    bias_.assign(blocks * kOutBlock, 0.0f);
    std::ranges::copy(bias, bias_.begin());
    for (std::size_t o = 0; o < out; ++o) {
        float* to = weight_.data() + o / kOutBlock * taps * in * kOutBlock + o % kOutBlock;
        for (std::size_t i = 0; i < in; ++i)
            for (std::size_t t = 0; t < taps; ++t) to[(t * in + i) * kOutBlock] = weight[(o * in + i) * taps + t];
    }
}

void BrickConv::run(std::span<const float> x, std::size_t side, bool relu, std::span<float> y) const {
    NIR_CHECK(side >= 1 && side <= 64);
    const std::size_t t = side + kernel_ - 1, cells = side * side * side, brick = t * t * t * in_;
    const std::size_t n = y.size() / (cells * out_);
    NIR_CHECK(y.size() == n * cells * out_ && x.size() == n * brick);
    const auto places = [&](std::size_t m) {
        std::vector<std::size_t> at;
        at.reserve(m * m * m);
        for (std::size_t cz = 0; cz < m; ++cz)
            for (std::size_t cy = 0; cy < m; ++cy)
                for (std::size_t cx = 0; cx < m; ++cx) at.push_back(((cz * t + cy) * t + cx) * in_);
        return at;
    };
    const auto tap = places(kernel_), cell = places(side);
    const View view{weight_.data(), bias_.data(), in_, out_, tap.size(), tap.data(), cell.data(), cells, brick};
    HWY_DYNAMIC_DISPATCH(ConvBricks)(view, x.data(), n, relu, y.data());
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
