// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Residual blocks on a tile of 48 points, once per instruction set. Arrays are [channel][48]: lanes hold points,
// weights are broadcast. 8 rows times three vectors of sums stay in registers (4 rows where there are 16 registers).
// Included by the kernels that bring their own features to the network.
#include "kernels/residual_mlp_pack.h"

#include <cstddef>

#if defined(NIR_KERNELS_RESIDUAL_MLP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NIR_KERNELS_RESIDUAL_MLP_INL_H_
#undef NIR_KERNELS_RESIDUAL_MLP_INL_H_
#else
#define NIR_KERNELS_RESIDUAL_MLP_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using TileD = hn::CappedTag<float, 16>;
using TileV = hn::Vec<TileD>;
constexpr std::size_t kTileLanes = hn::MaxLanes(TileD());
constexpr std::size_t kVectors = 3;
constexpr std::size_t kColumns = kVectors * kTileLanes;  // of the tile, worked on at once
static_assert(kTile % kColumns == 0);
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
constexpr std::size_t kRows = 8;
#else
constexpr std::size_t kRows = 4;
#endif
static_assert(kRowBlock % kRows == 0);

/// What becomes of a sum.
enum class Then {
    relu,      ///< h = max(0, sum + bias)
    store,     ///< x = sum + bias, h = act(x)
    residual,  ///< x = x + sum + bias, h = act(x)
    mask,      ///< x = mask > 0 ? sum : 0
    mask_add,  ///< x = x + (mask > 0 ? scale sum : 0)
    add        ///< x = x + sum
};

/// Arrays [row][48] that a product reads and writes; act(x) = max(0, scale x + shift), scale null = 1.
struct Rows {
    float* x = nullptr;
    float* h = nullptr;
    const float* mask = nullptr;
    const float* scale = nullptr;
    const float* shift = nullptr;
};

/// max(0, v); NaN stays, for the second argument wins on x86.
HWY_INLINE TileV Relu(TileV v) {
    const TileV zero = hn::Zero(TileD());
    return hn::IfThenElse(hn::Lt(v, zero), zero, v);
}

/// sums += weight in: `k` columns of 8 weights, `k` rows of 48 points.
HWY_INLINE void AddProduct(const float* HWY_RESTRICT w, const float* HWY_RESTRICT in, std::size_t k,
                           TileV (&sum)[kRows][kVectors]) {
    const TileD d;
    for (std::size_t i = 0; i < k; ++i, w += kRowBlock, in += kTile) {
        const TileV a = hn::Load(d, in), b = hn::Load(d, in + kTileLanes), c = hn::Load(d, in + 2 * kTileLanes);
        HWY_UNROLL(8)
        for (std::size_t r = 0; r < kRows; ++r) {
            const TileV s = hn::Set(d, w[r]);
            sum[r][0] = hn::MulAdd(s, a, sum[r][0]);
            sum[r][1] = hn::MulAdd(s, b, sum[r][1]);
            sum[r][2] = hn::MulAdd(s, c, sum[r][2]);
        }
    }
}

/// Writes the sum of row `r`, vector at column `at`.
template <Then kThen>
HWY_INLINE void Finish(TileV sum, const Rows& rows, std::size_t r, std::size_t at) {
    const TileD d;
    const TileV zero = hn::Zero(d);
    if constexpr (kThen == Then::relu) {
        hn::Store(Relu(sum), d, rows.h + at);
    } else if constexpr (kThen == Then::mask) {
        hn::Store(hn::IfThenElseZero(hn::Gt(hn::Load(d, rows.mask + at), zero), sum), d, rows.x + at);
    } else if constexpr (kThen == Then::mask_add) {
        const TileV scaled = rows.scale ? hn::Mul(sum, hn::Set(d, rows.scale[r])) : sum;
        const TileV kept = hn::IfThenElseZero(hn::Gt(hn::Load(d, rows.mask + at), zero), scaled);
        hn::Store(hn::Add(hn::Load(d, rows.x + at), kept), d, rows.x + at);
    } else if constexpr (kThen == Then::add) {
        hn::Store(hn::Add(hn::Load(d, rows.x + at), sum), d, rows.x + at);
    } else {
        if constexpr (kThen == Then::residual) sum = hn::Add(sum, hn::Load(d, rows.x + at));
        hn::Store(sum, d, rows.x + at);
        if (rows.scale) sum = hn::MulAdd(hn::Set(d, rows.scale[r]), sum, hn::Set(d, rows.shift[r]));
        hn::Store(Relu(sum), d, rows.h + at);
    }
}

/// All rows of a matrix times [in0 | in1], k0 + k1 = m.k; the first `columns` points (a multiple of kColumns).
template <Then kThen>
HWY_NOINLINE void Product(const PackedMatrix& m, const float* HWY_RESTRICT in0, std::size_t k0,
                          const float* HWY_RESTRICT in1, const Rows& rows, std::size_t columns) {
    const TileD d;
    const std::size_t k1 = m.k - k0;
    const float* bias = m.bias.empty() ? nullptr : m.bias.data();
    for (std::size_t r0 = 0; r0 < m.rows; r0 += kRows) {
        const float* w = m.weight.data() + r0 / kRowBlock * kRowBlock * m.k + r0 % kRowBlock;
        for (std::size_t c0 = 0; c0 < columns; c0 += kColumns) {
            TileV sum[kRows][kVectors];
            HWY_UNROLL(8)
            for (std::size_t r = 0; r < kRows; ++r) {
                const TileV b = bias ? hn::Set(d, bias[r0 + r]) : hn::Zero(d);
                sum[r][0] = b, sum[r][1] = b, sum[r][2] = b;
            }
            AddProduct(w, in0 + c0, k0, sum);
            if (k1) AddProduct(w + k0 * kRowBlock, in1 + c0, k1, sum);
            HWY_UNROLL(8)
            for (std::size_t r = 0; r < kRows; ++r) {
                const std::size_t at = (r0 + r) * kTile + c0;
                Finish<kThen>(sum[r][0], rows, r0 + r, at);
                Finish<kThen>(sum[r][1], rows, r0 + r, at + kTileLanes);
                Finish<kThen>(sum[r][2], rows, r0 + r, at + 2 * kTileLanes);
            }
        }
    }
}

/// Memory of a tile, all [..][48], aligned.
struct TileBuffers {
    float* x;   ///< [padded]
    float* h;   ///< [padded], of every block and the output if `keep`
    float* n;   ///< [padded], of every block if `keep`
    float* cq;  ///< [features + inputs]: what the network is told
    bool keep = false;
};

HWY_INLINE std::size_t TileColumns(std::size_t points) { return (points + kColumns - 1) / kColumns * kColumns; }

/// From b.cq to the activations in front of the output. Returns where these are.
HWY_INLINE float* ForwardTile(const ResidualMlp::Packed& p, const TileBuffers& b, std::size_t columns) {
    const std::size_t step = b.keep ? p.padded * kTile : 0, blocks = p.blocks.size();
    float *h = b.h, *n = b.n;
    const auto rows = [&](std::size_t next) {
        const bool last = next == blocks;
        const auto& scale = last ? p.out_scale : p.blocks[next].scale;
        const auto& shift = last ? p.out_shift : p.blocks[next].shift;
        return Rows{b.x, h, nullptr, scale.empty() ? nullptr : scale.data(), shift.data()};
    };
    Product<Then::store>(p.first, b.cq, p.first.k, nullptr, rows(0), columns);
    for (std::size_t i = 0; i < blocks; ++i) {
        Product<Then::relu>(p.blocks[i].a, h, p.padded, nullptr, {nullptr, n}, columns);
        h += step;
        Product<Then::residual>(p.blocks[i].b, n, p.padded, b.cq, rows(i + 1), columns);
        n += step;
    }
    if (p.out_slope != 0.0f) {
        const TileD d;
        const TileV slope = hn::Set(d, p.out_slope), zero = hn::Zero(d);
        for (std::size_t r = 0; r < p.padded; ++r)
            for (std::size_t c = 0; c < columns; c += kTileLanes) {
                TileV v = hn::Load(d, b.x + r * kTile + c);
                if (!p.out_scale.empty()) v = hn::MulAdd(hn::Set(d, p.out_scale[r]), v, hn::Set(d, p.out_shift[r]));
                hn::Store(hn::IfThenElse(hn::Lt(v, zero), hn::Mul(v, slope), v), d, h + r * kTile + c);
            }
    }
    return h;
}

/// One output of the network from the activations in front of it. @param out [columns], aligned
HWY_INLINE void Output(const ResidualMlp::Packed& p, const float* HWY_RESTRICT h, std::size_t output,
                       std::size_t columns, float* HWY_RESTRICT out) {
    const TileD d;
    const float* w = p.out_weight.data() + output * p.padded;
    for (std::size_t c = 0; c < columns; c += kColumns) {
        TileV s0 = hn::Set(d, p.out_bias[output]), s1 = s0, s2 = s0;
        for (std::size_t k = 0; k < p.padded; ++k) {
            const TileV v = hn::Set(d, w[k]);
            const float* in = h + k * kTile + c;
            s0 = hn::MulAdd(v, hn::Load(d, in), s0);
            s1 = hn::MulAdd(v, hn::Load(d, in + kTileLanes), s1);
            s2 = hn::MulAdd(v, hn::Load(d, in + 2 * kTileLanes), s2);
        }
        hn::Store(s0, d, out + c);
        hn::Store(s1, d, out + c + kTileLanes);
        hn::Store(s2, d, out + c + 2 * kTileLanes);
    }
}

/// Memory of the way back.
struct BackBuffers {
    float* dx;   ///< [padded]
    float* dn;   ///< [padded]
    float* dcq;  ///< [padded_rows(features + inputs) or more]: the result
};

/// Derivatives of one output with respect to what the network was told; `b` as ForwardTile left it, with keep.
HWY_INLINE void BackTile(const ResidualMlp::Packed& p, const TileBuffers& b, const BackBuffers& g, std::size_t output,
                         std::size_t columns) {
    const TileD d;
    const std::size_t step = p.padded * kTile, blocks = p.blocks.size();
    const TileV zero = hn::Zero(d), slope = hn::Set(d, p.out_slope);
    for (std::size_t r = 0; r < p.padded; ++r) {
        const float w = p.out_weight[output * p.padded + r] * (p.out_scale.empty() ? 1.0f : p.out_scale[r]);
        const TileV v = hn::Set(d, w), small = hn::Mul(v, slope);
        for (std::size_t c = 0; c < columns; c += kTileLanes) {
            const TileV h = hn::Load(d, b.h + blocks * step + r * kTile + c);
            hn::Store(hn::IfThenElse(hn::Gt(h, zero), v, small), d, g.dx + r * kTile + c);
        }
    }
    const std::size_t told = padded_rows(p.features + p.inputs);
    for (std::size_t i = 0; i < told * kTile; i += kTileLanes) hn::Store(zero, d, g.dcq + i);
    for (std::size_t i = blocks; i-- > 0;) {
        const auto& back = p.back()[i];
        const auto& next = i + 1 < blocks ? p.back()[i + 1].features : PackedMatrix();
        if (!next.empty()) Product<Then::add>(next, g.dx, p.padded, nullptr, {g.dcq}, columns);
        Product<Then::mask>(back.b, g.dx, p.padded, nullptr, {g.dn, nullptr, b.n + i * step}, columns);
        const auto& scale = p.blocks[i].scale;
        Product<Then::mask_add>(back.a, g.dn, p.padded, nullptr,
                                {g.dx, nullptr, b.h + i * step, scale.empty() ? nullptr : scale.data()}, columns);
    }
    Product<Then::add>(p.back_first(), g.dx, p.padded, nullptr, {g.dcq}, columns);
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();
#endif  // per target
