// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Before Highway: registers are held in arrays of vectors, which vectors of unknown length do not allow.
// clang-format off
#include "kernels/sized_vectors.h"
// clang-format on

#include "nir/kernels/local_decoder.h"

#include "nir/base/error.h"

#include "kernels/residual_mlp_pack.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/local_decoder.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/aligned_allocator.h>
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kernels/residual_mlp-inl.h"
// clang-format on

// While positions are computed and while the network runs, lanes hold points; while features are read, channels.
HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {

/// Where the 48 points lie in a map.
struct Positions {
    HWY_ALIGN std::int32_t cell[kTile];  ///< first value of the lower corner
    HWY_ALIGN float fraction[3][kTile];  ///< between the cells
    HWY_ALIGN float inside[3][kTile];    ///< d(position in cells) / d(coordinate): 0 beyond the map
    std::size_t step[3];                 ///< to the next cell, in values
};

/// @param p [3][48]
HWY_INLINE void Locate(const FeatureMap& map, std::size_t channels, const float* HWY_RESTRICT p,
                       Positions& HWY_RESTRICT out) {
    const TileD d;
    const hn::RebindToSigned<TileD> di;
    const TileV zero = hn::Zero(d), one = hn::Set(d, 1.0f), cap = hn::Set(d, map.cap);
    std::size_t stride = channels;
    for (std::size_t i = 0; i < map.dims; ++i) {
        const std::size_t cells = map.size[i];
        const auto high = static_cast<float>(map.lower[i]);
        const auto low = static_cast<float>(map.lower[i] - static_cast<double>(high));
        const auto last = static_cast<float>(cells - 1);
        const auto per_unit = static_cast<float>(1.0 / map.side);
        const float top = map.nearest ? last : std::max(0.0f, last - 1.0f);
        const float* from = p + static_cast<std::size_t>(map.axis[i]) * kTile;
        for (std::size_t c = 0; c < kTile; c += kTileLanes) {
            const TileV v = hn::Load(d, from + c);
            TileV u = hn::Mul(hn::Sub(hn::Sub(v, hn::Set(d, high)), hn::Set(d, low)), hn::Set(d, per_unit));
            const auto inside = hn::And(hn::Ge(u, zero), hn::Lt(u, one));
            u = hn::IfThenElse(hn::Ge(u, one), cap, u);
            u = hn::IfThenElseZero(hn::Gt(u, zero), u);  // NaN becomes 0
            const TileV x = hn::Mul(u, hn::Set(d, last));
            const TileV cell = hn::Min(map.nearest ? hn::Round(x) : hn::Floor(x), hn::Set(d, top));
            hn::Store(map.nearest ? zero : hn::Sub(x, cell), d, out.fraction[i] + c);
            hn::Store(hn::IfThenElseZero(inside, hn::Set(d, map.nearest ? 0.0f : last * per_unit)), d,
                      out.inside[i] + c);
            const auto index = hn::Mul(hn::ConvertTo(di, cell), hn::Set(di, static_cast<std::int32_t>(stride)));
            hn::Store(i == 0 ? index : hn::Add(index, hn::Load(di, out.cell + c)), di, out.cell + c);
        }
        out.step[i] = cells > 1 ? stride : 0;
        stride *= cells;
    }
}

HWY_INLINE TileV Lerp(TileV a, TileV b, TileV f) { return hn::MulAdd(f, hn::Sub(b, a), a); }

/// Features of one cell's neighbourhood, one vector of channels.
HWY_INLINE TileV ReadPlane(const float* HWY_RESTRICT v, const std::size_t* step, TileV fx, TileV fy) {
    const TileD d;
    const TileV a = Lerp(hn::LoadU(d, v), hn::LoadU(d, v + step[0]), fx);
    const TileV b = Lerp(hn::LoadU(d, v + step[1]), hn::LoadU(d, v + step[1] + step[0]), fx);
    return Lerp(a, b, fy);
}

/// Asks for the lines of a point's cells before they are read.
HWY_INLINE void FetchCells(const FeatureMap& map, const Positions& at, std::size_t point, std::size_t channels) {
    const float* v = map.values.data() + at.cell[point];
    const std::size_t along = (at.step[0] + channels) * sizeof(float);
    const std::size_t rows = map.nearest ? 1 : (map.dims == 3 ? 4 : 2);
    for (std::size_t r = 0; r < rows; ++r) {
        const char* row = reinterpret_cast<const char*>(v + (r & 1u) * at.step[1] + (r >> 1) * at.step[2]);
        for (std::size_t b = 0; b < along; b += 64) hwy::Prefetch(row + b);
    }
}

/// Adds the map's features at the first n points to rows [48][width]; width = channels in whole vectors of 16.
HWY_INLINE void ReadMap(const FeatureMap& map, const Positions& at, std::size_t n, std::size_t channels,
                        std::size_t width, float* HWY_RESTRICT rows) {
    const TileD d;
    constexpr std::size_t kAhead = 6;
    for (std::size_t i = 0; i < std::min(n, kAhead); ++i) FetchCells(map, at, i, channels);
    for (std::size_t i = 0; i < n; ++i) {
        if (i + kAhead < n) FetchCells(map, at, i + kAhead, channels);
        const float* v = map.values.data() + at.cell[i];
        float* row = rows + i * width;
        if (map.nearest) {
            for (std::size_t c = 0; c < channels; c += kTileLanes)
                hn::Store(hn::Add(hn::Load(d, row + c), hn::LoadU(d, v + c)), d, row + c);
            continue;
        }
        const TileV fx = hn::Set(d, at.fraction[0][i]), fy = hn::Set(d, at.fraction[1][i]);
        if (map.dims == 2) {
            for (std::size_t c = 0; c < channels; c += kTileLanes)
                hn::Store(hn::Add(hn::Load(d, row + c), ReadPlane(v + c, at.step, fx, fy)), d, row + c);
            continue;
        }
        const TileV fz = hn::Set(d, at.fraction[2][i]);
        for (std::size_t c = 0; c < channels; c += kTileLanes) {
            const TileV low = ReadPlane(v + c, at.step, fx, fy), high = ReadPlane(v + c + at.step[2], at.step, fx, fy);
            hn::Store(hn::Add(hn::Load(d, row + c), Lerp(low, high, fz)), d, row + c);
        }
    }
}

/// rows [48][width] to columns [channels][48].
HWY_INLINE void RowsToColumns(const float* HWY_RESTRICT rows, std::size_t channels, std::size_t width,
                              float* HWY_RESTRICT columns) {
    const TileD d;
    const hn::CappedTag<float, 4> d4;
    HWY_ALIGN float four[4 * hn::MaxLanes(TileD())];
    for (std::size_t i = 0; i < kTile; i += 4) {
        const float* r = rows + i * width;
        for (std::size_t c = 0; c < channels; c += kTileLanes) {
            hn::StoreInterleaved4(hn::Load(d, r + c), hn::Load(d, r + width + c), hn::Load(d, r + 2 * width + c),
                                  hn::Load(d, r + 3 * width + c), d, four);
            const std::size_t count = std::min(kTileLanes, channels - c);
            for (std::size_t k = 0; k < count; ++k)
                for (std::size_t j = 0; j < 4; j += hn::Lanes(d4))
                    hn::Store(hn::Load(d4, four + 4 * k + j), d4, columns + (c + k) * kTile + i + j);
        }
    }
}

/// Memory of a tile beside that of the network.
struct LocalTile {
    float* rows;  ///< [48][width] features, later their derivatives
    std::size_t width;
    HWY_ALIGN float p[3 * kTile];
    HWY_ALIGN float result[kTile];
    Positions at;
};

/// Brings what the network is told of n points into cq.
HWY_INLINE void Gather(const LocalDecoder& decoder, const float* HWY_RESTRICT points, const float* HWY_RESTRICT inputs,
                       std::size_t n, LocalTile& tile, float* HWY_RESTRICT cq) {
    const auto& packed = decoder.mlp().packed();
    const std::size_t channels = packed.features;
    for (std::size_t a = 0; a < 3; ++a) {
        for (std::size_t i = 0; i < n; ++i) tile.p[a * kTile + i] = points[3 * i + a];
        for (std::size_t i = n; i < kTile; ++i) tile.p[a * kTile + i] = 0.0f;
    }
    std::fill_n(tile.rows, kTile * tile.width, 0.0f);
    for (const FeatureMap& map : decoder.maps()) {
        Locate(map, channels, tile.p, tile.at);
        ReadMap(map, tile.at, n, channels, tile.width, tile.rows);
    }
    RowsToColumns(tile.rows, channels, tile.width, cq);
    float* q = cq + channels * kTile;
    if (!inputs) {
        std::copy_n(tile.p, packed.inputs * kTile, q);
        return;
    }
    for (std::size_t k = 0; k < packed.inputs; ++k) {
        for (std::size_t i = 0; i < n; ++i) q[k * kTile + i] = inputs[i * packed.inputs + k];
        for (std::size_t i = n; i < kTile; ++i) q[k * kTile + i] = 0.0f;
    }
}

HWY_INLINE void WriteOutputs(const ResidualMlp::Packed& p, const float* h, std::size_t n, float* result, float* out) {
    for (std::size_t o = 0; o < p.outputs; ++o) {
        Output(p, h, o, TileColumns(n), result);
        for (std::size_t i = 0; i < n; ++i) out[i * p.outputs + o] = result[i];
    }
}

HWY_INLINE std::size_t WholeVectors(std::size_t channels) { return (channels + 15) / 16 * 16; }

void LocalValues(const LocalDecoder& decoder, const float* points, const float* inputs, std::size_t n, float* out) {
    const auto& p = decoder.mlp().packed();
    const std::size_t step = p.padded * kTile, width = WholeVectors(p.features);
    const auto memory = hwy::AllocateAligned<float>(3 * step + (p.features + p.inputs + width) * kTile);
    float* m = memory.get();
    const TileBuffers b{m + kTile * width, m + kTile * width + step, m + kTile * width + 2 * step,
                        m + kTile * width + 3 * step};
    LocalTile tile{};
    tile.rows = m, tile.width = width;
    for (std::size_t at = 0; at < n; at += kTile) {
        const std::size_t count = std::min(kTile, n - at);
        Gather(decoder, points + 3 * at, inputs ? inputs + at * p.inputs : nullptr, count, tile, b.cq);
        WriteOutputs(p, ForwardTile(p, b, TileColumns(count)), count, tile.result, out + at * p.outputs);
    }
}

/// Adds the derivative of sum(dc * features) with respect to the n points. @param dc [48][width]  @param d_points [n,3]
HWY_INLINE void BackThroughMap(const FeatureMap& map, const Positions& at, std::size_t n, std::size_t channels,
                               std::size_t width, const float* HWY_RESTRICT dc, float* HWY_RESTRICT d_points) {
    const TileD d;
    if (map.nearest) return;
    for (std::size_t i = 0; i < n; ++i) {
        const float* v = map.values.data() + at.cell[i];
        const TileV fx = hn::Set(d, at.fraction[0][i]), fy = hn::Set(d, at.fraction[1][i]);
        const TileV fz = map.dims == 3 ? hn::Set(d, at.fraction[2][i]) : hn::Zero(d);
        TileV gx = hn::Zero(d), gy = gx, gz = gx;
        for (std::size_t c = 0; c < channels; c += kTileLanes) {
            const TileV w = hn::Load(d, dc + i * width + c);
            TileV x[2], y[2], value[2];
            for (std::size_t k = 0; k < map.dims - 1; ++k) {
                const float* f = v + c + k * (map.dims == 3 ? at.step[2] : 0);
                const TileV f0 = hn::LoadU(d, f), f2 = hn::LoadU(d, f + at.step[1]);
                const TileV d0 = hn::Sub(hn::LoadU(d, f + at.step[0]), f0);
                const TileV d1 = hn::Sub(hn::LoadU(d, f + at.step[0] + at.step[1]), f2);
                const TileV low = hn::MulAdd(fx, d0, f0), high = hn::MulAdd(fx, d1, f2);
                x[k] = Lerp(d0, d1, fy), y[k] = hn::Sub(high, low), value[k] = Lerp(low, high, fy);
            }
            if (map.dims == 2) {
                gx = hn::MulAdd(w, x[0], gx), gy = hn::MulAdd(w, y[0], gy);
            } else {
                gx = hn::MulAdd(w, Lerp(x[0], x[1], fz), gx), gy = hn::MulAdd(w, Lerp(y[0], y[1], fz), gy);
                gz = hn::MulAdd(w, hn::Sub(value[1], value[0]), gz);
            }
        }
        const float g[3] = {hn::GetLane(hn::SumOfLanes(d, gx)), hn::GetLane(hn::SumOfLanes(d, gy)),
                            hn::GetLane(hn::SumOfLanes(d, gz))};
        for (std::size_t k = 0; k < map.dims; ++k)
            d_points[3 * i + static_cast<std::size_t>(map.axis[k])] += at.inside[k][i] * g[k];
    }
}

void LocalGradients(const LocalDecoder& decoder, const float* points, std::size_t n, float* out, float* d_points) {
    const auto& p = decoder.mlp().packed();
    const std::size_t step = p.padded * kTile, width = WholeVectors(p.features), told = p.features + p.inputs;
    const std::size_t blocks = p.blocks.size();
    const auto memory =
        hwy::AllocateAligned<float>((2 * blocks + 4) * step + (told + padded_rows(told) + width) * kTile);
    float* m = memory.get() + kTile * width;
    const TileBuffers b{m, m + 3 * step, m + (blocks + 4) * step, m + (2 * blocks + 4) * step, true};
    const BackBuffers g{m + step, m + 2 * step, b.cq + told * kTile};
    LocalTile tile{};
    tile.rows = memory.get(), tile.width = width;
    for (std::size_t at = 0; at < n; at += kTile) {
        const std::size_t count = std::min(kTile, n - at), columns = TileColumns(count);
        Gather(decoder, points + 3 * at, nullptr, count, tile, b.cq);
        WriteOutputs(p, ForwardTile(p, b, columns), count, tile.result, out + at * p.outputs);
        BackTile(p, b, g, 0, columns);
        float* to = d_points + 3 * at;
        const float* dq = g.dcq + p.features * kTile;
        for (std::size_t i = 0; i < count; ++i)
            for (std::size_t a = 0; a < 3; ++a) to[3 * i + a] = p.inputs ? dq[a * kTile + i] : 0.0f;
        // Channels beyond the last stay 0.
        std::fill_n(tile.rows, kTile * width, 0.0f);
        for (std::size_t c = 0; c < p.features; ++c)
            for (std::size_t i = 0; i < count; ++i) tile.rows[i * width + c] = g.dcq[c * kTile + i];
        for (const FeatureMap& map : decoder.maps()) {
            Locate(map, p.features, tile.p, tile.at);
            BackThroughMap(map, tile.at, count, p.features, width, tile.rows, to);
        }
    }
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(LocalValues);
HWY_EXPORT(LocalGradients);

namespace {

constexpr std::size_t kBeyond = 16;  // a vector may read beyond the last channel

std::shared_ptr<const std::vector<FeatureMap>> checked(std::vector<FeatureMap> maps, std::size_t channels) {
    NIR_CHECK(!maps.empty() && channels > 0);
    for (FeatureMap& map : maps) {
        NIR_CHECK(map.dims == 2 || map.dims == 3);
        NIR_CHECK(map.dims == 3 || map.size[2] == 1);
        const std::size_t values = map.size[0] * map.size[1] * map.size[2] * channels;
        NIR_CHECK(map.values.size() == values && values > 0);
        NIR_CHECK(values <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
        NIR_CHECK(map.side > 0 && map.cap >= 0 && map.cap <= 1);
        for (const int a : map.axis) NIR_CHECK(a >= 0 && a < 3);
        map.values.resize(values + kBeyond, 0.0f);
    }
    return std::make_shared<const std::vector<FeatureMap>>(std::move(maps));
}

}  // namespace

LocalDecoder::LocalDecoder(ResidualMlp mlp, std::vector<FeatureMap> maps)
    : mlp_(std::move(mlp)), maps_(checked(std::move(maps), mlp_.features())) {}

void LocalDecoder::values(std::span<const float> points, std::span<const float> inputs, std::span<float> out) const {
    const std::size_t n = points.size() / 3;
    NIR_CHECK(points.size() == 3 * n && out.size() == n * mlp_.outputs());
    NIR_CHECK(inputs.empty() ? n == 0 || mlp_.inputs() == 3 || mlp_.inputs() == 0 : inputs.size() == n * mlp_.inputs());
    HWY_DYNAMIC_DISPATCH(LocalValues)
    (*this, points.data(), inputs.empty() ? nullptr : inputs.data(), n, out.data());
}

void LocalDecoder::gradients(std::span<const float> points, std::span<float> out, std::span<float> d_points) const {
    const std::size_t n = points.size() / 3;
    NIR_CHECK(points.size() == 3 * n && out.size() == n * mlp_.outputs() && d_points.size() == points.size());
    NIR_CHECK(mlp_.inputs() == 3 || mlp_.inputs() == 0);
    HWY_DYNAMIC_DISPATCH(LocalGradients)(*this, points.data(), n, out.data(), d_points.data());
}

double LocalDecoder::flops() const {
    double n = mlp_.flops();
    for (const FeatureMap& map : *maps_)
        if (!map.nearest) n += 2.0 * static_cast<double>(mlp_.features()) * (map.dims == 3 ? 8 : 4);
    return n;
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
