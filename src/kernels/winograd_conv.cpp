// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Before Highway: registers are held in arrays of vectors, which vectors of unknown length do not allow.
// clang-format off
#include "kernels/sized_vectors.h"
// clang-format on

#include "nir/kernels/winograd_conv.h"

#include "nir/base/error.h"

#include <algorithm>
#include <memory>

#ifndef NIR_KERNELS_WINOGRAD_CONV_VIEW_
#define NIR_KERNELS_WINOGRAD_CONV_VIEW_
namespace nir::kernels {

/// Cubes of 2^3 cells that are worked on at once: `tiles`, a multiple of 8. What lies between the transforms is
/// [64 places][tiles][channels]; places lie a little more than that apart, lest they share a set of the cache.
struct WinogradView {
    const float* weight;  ///< [blocks][64][in][32]
    const float* bias;
    std::size_t in, out, side, bricks, tiles;
    float *cells, *sums;  ///< memory: 64 cell_step(), 64 sum_step() floats

    std::size_t along() const { return side + 2; }
    std::size_t tiles_of_brick() const { return side / 2 * (side / 2) * (side / 2); }
    std::size_t all_tiles() const { return bricks * tiles_of_brick(); }
    std::size_t cell_step() const { return tiles * in + 16; }
    std::size_t sum_step() const { return tiles * kWinogradOutputs + 16; }
    /// The first of the 4^3 cells that a tile reads, in x; the first of the 2^3 that it makes, in y. @{
    std::size_t read_at(std::size_t tile) const {
        const auto [b, z, y, x] = place(tile);
        return (((b * along() + z) * along() + y) * along() + x) * in;
    }
    std::size_t made_at(std::size_t tile) const {
        const auto [b, z, y, x] = place(tile);
        return (((b * side + z) * side + y) * side + x) * out;
    }
    /// @}

private:
    struct Place {
        std::size_t brick, z, y, x;
    };
    Place place(std::size_t tile) const {
        const std::size_t half = side / 2, i = tile % tiles_of_brick();
        return {tile / tiles_of_brick(), i / (half * half) * 2, i / half % half * 2, i % half * 2};
    }
};

}  // namespace nir::kernels
#endif  // NIR_KERNELS_WINOGRAD_CONV_VIEW_

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_conv.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WinoD = hn::CappedTag<float, 16>;
using WinoV = hn::Vec<WinoD>;
constexpr std::size_t kWinoLanes = hn::MaxLanes(WinoD());
constexpr std::size_t kPass = std::min(2 * kWinoLanes, kWinogradOutputs);  // outputs whose sums are in registers
constexpr std::size_t kPassVectors = kPass / kWinoLanes;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
constexpr std::size_t kWinoRows = 8;
#else
constexpr std::size_t kWinoRows = 4;
#endif

/// The four transforms along one axis, of vectors. @{
HWY_INLINE void CellsOfLine(const WinoV (&d)[4], WinoV (&to)[4]) {
    to[0] = hn::Sub(d[0], d[2]), to[1] = hn::Add(d[1], d[2]);
    to[2] = hn::Sub(d[2], d[1]), to[3] = hn::Sub(d[1], d[3]);
}
HWY_INLINE void SumsOfLine(const WinoV (&m)[4], WinoV (&to)[2]) {
    to[0] = hn::Add(hn::Add(m[0], m[1]), m[2]);
    to[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
}
HWY_INLINE void WeightsOfLine(const WinoV (&g)[3], WinoV (&to)[4]) {
    const WinoV half = hn::Set(WinoD(), 0.5f), ends = hn::Add(g[0], g[2]);
    to[0] = g[0], to[3] = g[2];
    to[1] = hn::Mul(half, hn::Add(ends, g[1])), to[2] = hn::Mul(half, hn::Sub(ends, g[1]));
}
/// Those of derivatives: of SumsOfLine and WeightsOfLine.
HWY_INLINE void SumsBack(const WinoV (&d)[2], WinoV (&to)[4]) {
    to[0] = d[0], to[1] = hn::Add(d[0], d[1]);
    to[2] = hn::Sub(d[0], d[1]), to[3] = hn::Neg(d[1]);
}
HWY_INLINE void WeightsBack(const WinoV (&u)[4], WinoV (&to)[3]) {
    const WinoV half = hn::Set(WinoD(), 0.5f), both = hn::Mul(half, hn::Add(u[1], u[2]));
    to[0] = hn::Add(u[0], both), to[2] = hn::Add(both, u[3]);
    to[1] = hn::Mul(half, hn::Sub(u[1], u[2]));
}
/// @}

/// A transform of kFrom^3 vectors to kTo^3, axis by axis. load(z, y, x), store(place, vector).
template <std::size_t kFrom, std::size_t kTo, class Line, class Load, class Store>
HWY_INLINE void Cube(const Line& line, const Load& load, const Store& store) {
    WinoV a[kFrom][kFrom][kTo], b[kFrom][kTo][kTo];
    for (std::size_t z = 0; z < kFrom; ++z)
        for (std::size_t y = 0; y < kFrom; ++y) {
            WinoV from[kFrom];
            for (std::size_t x = 0; x < kFrom; ++x) from[x] = load(z, y, x);
            line(from, a[z][y]);
        }
    for (std::size_t z = 0; z < kFrom; ++z)
        for (std::size_t x = 0; x < kTo; ++x) {
            WinoV from[kFrom], to[kTo];
            for (std::size_t y = 0; y < kFrom; ++y) from[y] = a[z][y][x];
            line(from, to);
            for (std::size_t y = 0; y < kTo; ++y) b[z][y][x] = to[y];
        }
    for (std::size_t y = 0; y < kTo; ++y)
        for (std::size_t x = 0; x < kTo; ++x) {
            WinoV from[kFrom], to[kTo];
            for (std::size_t z = 0; z < kFrom; ++z) from[z] = b[z][y][x];
            line(from, to);
            for (std::size_t z = 0; z < kTo; ++z) store((z * kTo + y) * kTo + x, to[z]);
        }
}

/// Cells of tiles [first, first + tiles), those beyond the last one being the last one, to v.cells.
void TransformCells(const WinogradView& v, const float* x, std::size_t first) {
    const WinoD d;
    const std::size_t t = v.along(), step = v.cell_step(), last = v.all_tiles() - 1;
    HWY_ALIGN float few[64 * kWinoLanes];
    for (std::size_t tile = 0; tile < v.tiles; ++tile) {
        const float* from = x + v.read_at(std::min(first + tile, last));
        float* to = v.cells + tile * v.in;
        const auto at = [&](std::size_t cz, std::size_t cy, std::size_t cx) {
            return from + ((cz * t + cy) * t + cx) * v.in;
        };
        const auto line = [](const WinoV(&a)[4], WinoV(&b)[4]) HWY_ATTR { CellsOfLine(a, b); };
        if (v.in < kWinoLanes) {
            for (std::size_t i = 0; i < 64; ++i) {
                const float* cell = at(i / 16, i / 4 % 4, i % 4);
                for (std::size_t c = 0; c < kWinoLanes; ++c) few[i * kWinoLanes + c] = c < v.in ? cell[c] : 0.0f;
            }
            Cube<4, 4>(
                line,
                [&](std::size_t z, std::size_t y, std::size_t cx)
                    HWY_ATTR { return hn::Load(d, few + ((z * 4 + y) * 4 + cx) * kWinoLanes); },
                [&](std::size_t place, WinoV s) HWY_ATTR { hn::Store(s, d, few + place * kWinoLanes); });
            for (std::size_t i = 0; i < 64; ++i) std::copy_n(few + i * kWinoLanes, v.in, to + i * step);
            continue;
        }
        for (std::size_t c0 = 0; c0 < v.in; c0 += kWinoLanes) {
            const std::size_t c = std::min(c0, v.in - kWinoLanes);  // the last vector overlaps that before
            Cube<4, 4>(
                line,
                [&](std::size_t z, std::size_t y, std::size_t cx) HWY_ATTR { return hn::LoadU(d, at(z, y, cx) + c); },
                [&](std::size_t place, WinoV s) HWY_ATTR { hn::StoreU(s, d, to + place * step + c); });
        }
    }
}

/// The products of a block of outputs at all places: v.cells -> v.sums.
void MultiplyPlaces(const WinogradView& v, const float* HWY_RESTRICT weight) {
    const WinoD d;
    for (std::size_t place = 0; place < 64; ++place, weight += v.in * kWinogradOutputs)
        for (std::size_t tile = 0; tile < v.tiles; tile += kWinoRows)
            for (std::size_t o = 0; o < kWinogradOutputs; o += kPass) {
                const float* HWY_RESTRICT cell = v.cells + place * v.cell_step() + tile * v.in;
                const float* HWY_RESTRICT w = weight + o;
                WinoV sum[kWinoRows][kPassVectors];
                HWY_UNROLL(8)
                for (std::size_t r = 0; r < kWinoRows; ++r) HWY_UNROLL(2)
                for (std::size_t k = 0; k < kPassVectors; ++k) sum[r][k] = hn::Zero(d);
                for (std::size_t i = 0; i < v.in; ++i, w += kWinogradOutputs) {
                    WinoV by[kPassVectors];
                    HWY_UNROLL(2)
                    for (std::size_t k = 0; k < kPassVectors; ++k) by[k] = hn::LoadU(d, w + k * kWinoLanes);
                    HWY_UNROLL(8)
                    for (std::size_t r = 0; r < kWinoRows; ++r) {
                        const WinoV s = hn::Set(d, cell[r * v.in + i]);
                        HWY_UNROLL(2)
                        for (std::size_t k = 0; k < kPassVectors; ++k) sum[r][k] = hn::MulAdd(s, by[k], sum[r][k]);
                    }
                }
                float* to = v.sums + place * v.sum_step() + tile * kWinogradOutputs + o;
                HWY_UNROLL(8)
                for (std::size_t r = 0; r < kWinoRows; ++r) HWY_UNROLL(2)
                for (std::size_t k = 0; k < kPassVectors; ++k)
                    hn::StoreU(sum[r][k], d, to + r * kWinogradOutputs + k * kWinoLanes);
            }
}

/// v.sums of a block of outputs to the cells of y.
void TransformSums(const WinogradView& v, std::size_t first, std::size_t block, bool relu, float* y) {
    const WinoD d;
    const WinoV zero = hn::Zero(d);
    const std::size_t count = std::min(v.tiles, v.all_tiles() - first), o0 = block * kWinogradOutputs;
    const auto line = [](const WinoV(&a)[4], WinoV(&b)[2]) HWY_ATTR { SumsOfLine(a, b); };
    for (std::size_t tile = 0; tile < count; ++tile)
        for (std::size_t o = 0; o < kWinogradOutputs && o0 + o < v.out; o += kWinoLanes) {
            const float* from = v.sums + tile * kWinogradOutputs + o;
            float* to = y + v.made_at(first + tile) + o0 + o;
            const WinoV bias = hn::LoadU(d, v.bias + o0 + o);
            const std::size_t known = std::min(kWinoLanes, v.out - o0 - o);
            Cube<4, 2>(
                line,
                [&](std::size_t z, std::size_t cy, std::size_t x)
                    HWY_ATTR { return hn::LoadU(d, from + ((z * 4 + cy) * 4 + x) * v.sum_step()); },
                [&](std::size_t place, WinoV s) HWY_ATTR {
                    s = hn::Add(s, bias);
                    if (relu) s = hn::IfThenElse(hn::Lt(s, zero), zero, s);  // NaN stays
                    float* cell = to + ((place / 4 * v.side + place / 2 % 2) * v.side + place % 2) * v.out;
                    if (known == kWinoLanes) {
                        hn::StoreU(s, d, cell);
                    } else {
                        HWY_ALIGN float part[kWinoLanes];
                        hn::Store(s, d, part);
                        std::copy_n(part, known, cell);
                    }
                });
        }
}

void WinogradConvolve(const WinogradView& v, const float* x, bool relu, float* y) {
    for (std::size_t first = 0; first < v.all_tiles(); first += v.tiles) {
        TransformCells(v, x, first);
        for (std::size_t block = 0; block * kWinogradOutputs < v.out; ++block) {
            MultiplyPlaces(v, v.weight + block * 64 * v.in * kWinogradOutputs);
            TransformSums(v, first, block, relu, y);
        }
    }
}

/// Weights [27][32] of one input and one block, places 32 `step` apart, to [64][32].
void TransformWeights(const float* from, std::size_t step, float* to) {
    const WinoD d;
    const auto line = [](const WinoV(&a)[3], WinoV(&b)[4]) HWY_ATTR { WeightsOfLine(a, b); };
    for (std::size_t o = 0; o < kWinogradOutputs; o += kWinoLanes)
        Cube<3, 4>(
            line,
            [&](std::size_t z, std::size_t y, std::size_t x)
                HWY_ATTR { return hn::LoadU(d, from + ((z * 3 + y) * 3 + x) * kWinogradOutputs + o); },
            [&](std::size_t place, WinoV s) HWY_ATTR { hn::StoreU(s, d, to + place * step + o); });
}

/// Derivatives of the sums of a block, 0 beyond the last tile and the last output, to v.sums.
void TransformDerivatives(const WinogradView& v, const float* dL_dy, std::size_t first, std::size_t block) {
    const WinoD d;
    const std::size_t o0 = block * kWinogradOutputs;
    const auto line = [](const WinoV(&a)[2], WinoV(&b)[4]) HWY_ATTR { SumsBack(a, b); };
    HWY_ALIGN float part[8][kWinoLanes];
    for (std::size_t tile = 0; tile < v.tiles; ++tile)
        for (std::size_t o = 0; o < kWinogradOutputs; o += kWinoLanes) {
            const bool some = first + tile < v.all_tiles() && o0 + o < v.out;
            const std::size_t known = some ? std::min(kWinoLanes, v.out - o0 - o) : 0;
            const float* from = some ? dL_dy + v.made_at(first + tile) + o0 + o : nullptr;
            const auto cell = [&](std::size_t i) {
                return from + ((i / 4 * v.side + i / 2 % 2) * v.side + i % 2) * v.out;
            };
            for (std::size_t i = 0; i < 8 && known < kWinoLanes; ++i)
                for (std::size_t k = 0; k < kWinoLanes; ++k) part[i][k] = k < known ? cell(i)[k] : 0.0f;
            float* to = v.sums + tile * kWinogradOutputs + o;
            Cube<2, 4>(
                line,
                [&](std::size_t z, std::size_t y, std::size_t x) HWY_ATTR {
                    const std::size_t i = (z * 2 + y) * 2 + x;
                    return known == kWinoLanes ? hn::LoadU(d, cell(i)) : hn::Load(d, part[i]);
                },
                [&](std::size_t place, WinoV s) HWY_ATTR { hn::StoreU(s, d, to + place * v.sum_step()); });
        }
}

/// Adds the products of kRows inputs and kPass outputs at one place over all tiles.
template <std::size_t kRows>
HWY_INLINE void AddTileProducts(const WinogradView& v, const float* HWY_RESTRICT cell, const float* HWY_RESTRICT dL,
                                std::size_t skip, float* HWY_RESTRICT to) {
    const WinoD d;
    WinoV sum[kRows][kPassVectors];
    HWY_UNROLL(8)
    for (std::size_t r = 0; r < kRows; ++r) HWY_UNROLL(2)
    for (std::size_t k = 0; k < kPassVectors; ++k) sum[r][k] = hn::Zero(d);
    for (std::size_t tile = 0; tile < v.tiles; ++tile, cell += v.in, dL += kWinogradOutputs) {
        WinoV by[kPassVectors];
        HWY_UNROLL(2)
        for (std::size_t k = 0; k < kPassVectors; ++k) by[k] = hn::LoadU(d, dL + k * kWinoLanes);
        HWY_UNROLL(8)
        for (std::size_t r = 0; r < kRows; ++r) {
            const WinoV s = hn::Set(d, cell[r]);
            HWY_UNROLL(2)
            for (std::size_t k = 0; k < kPassVectors; ++k) sum[r][k] = hn::MulAdd(s, by[k], sum[r][k]);
        }
    }
    HWY_UNROLL(8)
    for (std::size_t r = 0; r < kRows; ++r) {
        if (r < skip) continue;
        HWY_UNROLL(2)
        for (std::size_t k = 0; k < kPassVectors; ++k) {
            float* at = to + r * kWinogradOutputs + k * kWinoLanes;
            hn::StoreU(hn::Add(hn::LoadU(d, at), sum[r][k]), d, at);
        }
    }
}

void AddGradient(const WinogradView& v, const float* x, const float* dL_dy, std::size_t block, float* sum) {
    for (std::size_t first = 0; first < v.all_tiles(); first += v.tiles) {
        TransformCells(v, x, first);
        TransformDerivatives(v, dL_dy, first, block);
        for (std::size_t place = 0; place < 64; ++place) {
            const float* cells = v.cells + place * v.cell_step();
            const float* dL = v.sums + place * v.sum_step();
            float* to = sum + place * v.in * kWinogradOutputs;
            for (std::size_t o = 0; o < kWinogradOutputs; o += kPass) {
                if (v.in < kWinoRows) {
                    for (std::size_t i = 0; i < v.in; ++i)
                        AddTileProducts<1>(v, cells + i, dL + o, 0, to + i * kWinogradOutputs + o);
                    continue;
                }
                for (std::size_t i = 0; i < v.in; i += kWinoRows) {
                    const std::size_t at = std::min(i, v.in - kWinoRows);  // the last rows overlap those before
                    AddTileProducts<kWinoRows>(v, cells + at, dL + o, i - at, to + at * kWinogradOutputs + o);
                }
            }
        }
    }
}

/// [64][32] of one input, places `step` apart, to [27][32].
void TransformGradient(const float* from, std::size_t step, float* to) {
    const WinoD d;
    const auto line = [](const WinoV(&a)[4], WinoV(&b)[3]) HWY_ATTR { WeightsBack(a, b); };
    for (std::size_t o = 0; o < kWinogradOutputs; o += kWinoLanes)
        Cube<4, 3>(
            line,
            [&](std::size_t z, std::size_t y, std::size_t x)
                HWY_ATTR { return hn::LoadU(d, from + ((z * 4 + y) * 4 + x) * step + o); },
            [&](std::size_t place, WinoV s) HWY_ATTR { hn::StoreU(s, d, to + place * kWinogradOutputs + o); });
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(WinogradConvolve);
HWY_EXPORT(TransformWeights);
HWY_EXPORT(AddGradient);
HWY_EXPORT(TransformGradient);

namespace {

constexpr std::size_t kOutputs = kWinogradOutputs;

std::size_t blocks_of(std::size_t out) { return (out + kOutputs - 1) / kOutputs; }

/// weight(o, i, tap) of all outputs and inputs, transformed.
template <class Weight>
std::vector<float> transformed(std::size_t in, std::size_t out, const Weight& weight) {
    std::vector<float> to(blocks_of(out) * winograd_gradient_size(in));
    std::vector<float> taps(27 * kOutputs);
    for (std::size_t block = 0; block < blocks_of(out); ++block)
        for (std::size_t i = 0; i < in; ++i) {
            for (std::size_t o = 0; o < kOutputs; ++o)
                for (std::size_t t = 0; t < 27; ++t)
                    taps[t * kOutputs + o] = block * kOutputs + o < out ? weight(block * kOutputs + o, i, t) : 0.0f;
            HWY_DYNAMIC_DISPATCH(TransformWeights)
            (taps.data(), in * kOutputs, to.data() + block * winograd_gradient_size(in) + i * kOutputs);
        }
    return to;
}

/// Memory of a call, kept by the thread.
float* scratch(std::size_t floats) {
    thread_local std::unique_ptr<float[]> memory;
    thread_local std::size_t size = 0;
    if (size < floats) {
        memory.reset();
        memory = std::make_unique_for_overwrite<float[]>(floats);
        size = floats;
    }
    return memory.get();
}

/// Sizes of a call with its memory. @throws Error internal
WinogradView view_of(std::span<const float> x, std::size_t cells, std::size_t side, std::size_t in, std::size_t out) {
    NIR_CHECK(in > 0 && out > 0 && side >= 2 && side <= 64 && side % 2 == 0);
    const std::size_t t = side + 2, n = cells / (side * side * side * out);
    NIR_CHECK(cells == n * side * side * side * out && x.size() == n * t * t * t * in);
    WinogradView v{nullptr, nullptr, in, out, side, n, 0, nullptr, nullptr};
    // So many that transformed cells and sums stay in the second-level cache.
    v.tiles = std::min(std::clamp<std::size_t>(2048 / in / 8 * 8, 16, 32), (v.all_tiles() + 7) / 8 * 8);
    v.cells = scratch(64 * (v.cell_step() + v.sum_step()));
    v.sums = v.cells + 64 * v.cell_step();
    return v;
}

}  // namespace

WinogradConv::WinogradConv(std::span<const float> weight, std::span<const float> bias, std::size_t in, std::size_t out)
    : in_(in), out_(out), bias_(blocks_of(out) * kOutputs) {
    NIR_CHECK(in > 0 && out > 0 && weight.size() == out * in * 27 && bias.size() == out);
    std::ranges::copy(bias, bias_.begin());
    weight_ = transformed(in, out,
                          [&](std::size_t o, std::size_t i, std::size_t t) { return weight[(o * in + i) * 27 + t]; });
}

WinogradConv WinogradConv::backward(std::span<const float> weight, std::size_t in, std::size_t out, std::size_t first) {
    NIR_CHECK(first < in && out > 0 && weight.size() == out * in * 27);
    WinogradConv conv;
    conv.in_ = out, conv.out_ = in - first;
    conv.bias_.resize(blocks_of(conv.out_) * kOutputs);
    conv.weight_ = transformed(conv.in_, conv.out_, [&](std::size_t o, std::size_t i, std::size_t t) {
        return weight[(i * in + first + o) * 27 + 26 - t];
    });
    return conv;
}

void WinogradConv::run(std::span<const float> x, std::size_t side, bool relu, std::span<float> y) const {
    if (y.empty()) return;
    WinogradView v = view_of(x, y.size(), side, in_, out_);
    v.weight = weight_.data(), v.bias = bias_.data();
    HWY_DYNAMIC_DISPATCH(WinogradConvolve)(v, x.data(), relu, y.data());
}

void add_winograd_gradient(std::span<const float> x, std::span<const float> dL_dy, std::size_t side, std::size_t in,
                           std::size_t out, std::size_t block, std::span<float> sum) {
    NIR_CHECK(block < blocks_of(out) && sum.size() == winograd_gradient_size(in));
    if (dL_dy.empty()) return;
    const WinogradView v = view_of(x, dL_dy.size(), side, in, out);
    HWY_DYNAMIC_DISPATCH(AddGradient)(v, x.data(), dL_dy.data(), block, sum.data());
}

void finish_winograd_gradient(std::span<const float> sum, std::size_t in, std::size_t out, std::size_t block,
                              std::span<float> dL_dweight) {
    NIR_CHECK(block < blocks_of(out) && sum.size() == winograd_gradient_size(in) && dL_dweight.size() == 27 * in * out);
    const std::size_t first = block * kOutputs, known = std::min(kOutputs, out - first);
    std::vector<float> taps(27 * kOutputs);
    for (std::size_t i = 0; i < in; ++i) {
        HWY_DYNAMIC_DISPATCH(TransformGradient)(sum.data() + i * kOutputs, in * kOutputs, taps.data());
        for (std::size_t t = 0; t < 27; ++t)
            std::copy_n(taps.data() + t * kOutputs, known, dL_dweight.data() + (t * in + i) * out + first);
    }
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
