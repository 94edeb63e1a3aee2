// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/hash_grid.h"

#include "kernels/hash_grid_ref.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/hash_grid.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace nir::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Points worked on at a time.
constexpr std::size_t kTile = 16;
using D = hn::CappedTag<float, kTile>;
using DI = hn::RebindToSigned<D>;
using DU = hn::RebindToUnsigned<D>;

/// Coordinates of a tile's points.
struct Tile {
    HWY_ALIGN float x[3][kTile];
};
/// Entries and weights of the eight vertices around each point of a tile.
struct Corners {
    HWY_ALIGN std::uint32_t entry[8][kTile];
    HWY_ALIGN float weight[8][kTile];
};

void LoadTile(const PointArrays& points, std::size_t begin, std::size_t count, Tile& tile) {
    const float* from[3] = {points.x.data() + begin, points.y.data() + begin,
                            points.z.empty() ? points.x.data() + begin : points.z.data() + begin};
    for (std::size_t a = 0; a < 3; ++a)
        for (std::size_t i = 0; i < kTile; ++i) tile.x[a][i] = i < count ? from[a][i] : 0.0f;
}

/// kCorners: 8, or 4 in a plane.
template <std::size_t kCorners>
void FindCorners(const HashGridLevel& level, const Tile& tile, Corners& corners) {
    const D d;
    const DI di;
    const DU du;
    const auto scale = hn::Set(d, level.scale), half = hn::Set(d, 0.5f), one = hn::Set(d, 1.0f);
    const auto side = hn::Set(du, level.resolution), side2 = hn::Set(du, level.resolution * level.resolution);
    const auto prime_y = hn::Set(du, 2654435761u), prime_z = hn::Set(du, 805459861u);
    const auto mask = hn::Set(du, level.entries - 1), entries = hn::Set(du, level.entries);
    for (std::size_t i = 0; i < kTile; i += hn::Lanes(d)) {
        const auto axis = [&](std::size_t a, auto& low, auto& high, auto& cell) HWY_ATTR {
            const auto raw = hn::Load(d, tile.x[a] + i);
            const auto x = hn::Min(hn::IfThenElseZero(hn::Gt(raw, hn::Zero(d)), raw), one);
            const auto q = hn::MulAdd(scale, x, half);
            const auto whole = hn::ConvertTo(di, q);  // q > 0: truncation is the floor
            high = hn::Sub(q, hn::ConvertTo(d, whole));
            low = hn::Sub(one, high);
            cell = hn::BitCast(du, whole);
        };
        auto lx = one, hx = one, ly = one, hy = one, lz = one, hz = one;
        auto cx = mask, cy = mask, cz = mask;
        axis(0, lx, hx, cx), axis(1, ly, hy, cy);
        if constexpr (kCorners == 8)
            axis(2, lz, hz, cz);
        else
            cz = hn::Zero(du);
        const auto step = hn::Set(du, 1u);
        const auto cx1 = hn::Add(cx, step);
        const decltype(lx) wyz[4] = {hn::Mul(ly, lz), hn::Mul(hy, lz), hn::Mul(ly, hz), hn::Mul(hy, hz)};
        decltype(cx) yz[4] = {mask, mask, mask, mask};
        if (level.hashed) {
            const auto y0 = hn::Mul(cy, prime_y), z0 = hn::Mul(cz, prime_z);
            const auto y1 = hn::Add(y0, prime_y), z1 = hn::Add(z0, prime_z);
            yz[0] = hn::Xor(y0, z0), yz[1] = hn::Xor(y1, z0), yz[2] = hn::Xor(y0, z1), yz[3] = hn::Xor(y1, z1);
        } else {
            const auto base = hn::Add(hn::Mul(cy, side), hn::Mul(cz, side2));
            yz[0] = base, yz[1] = hn::Add(base, side), yz[2] = hn::Add(base, side2), yz[3] = hn::Add(yz[1], side2);
        }
        for (std::size_t c = 0; c < kCorners; ++c) {
            const auto x = c & 1 ? cx1 : cx;
            auto entry = mask;
            if (level.hashed) {
                entry = hn::And(hn::Xor(x, yz[c >> 1]), mask);
            } else {  // at most once around: entries >= R³ > R² + R
                entry = hn::Add(x, yz[c >> 1]);
                entry = hn::Min(entry, hn::Sub(entry, entries));
            }
            hn::Store(entry, du, corners.entry[c] + i);
            hn::Store(hn::Mul(c & 1 ? hx : lx, wyz[c >> 1]), d, corners.weight[c] + i);
        }
    }
}

/// Tables larger than this (bytes) are asked for ahead of time.
constexpr std::size_t kFarTable = 512 * 1024;

/// Sends for the entries of a tile. Half of the eight will do: neighbours along x mostly share a line.
template <std::size_t F, std::size_t kCorners, class Number>
HWY_INLINE void SendFor(const HashGridLevel& level, const Corners& corners, const Number* entries) {
    if (level.entries * F * sizeof(Number) < kFarTable) return;
    for (std::size_t c = 0; c < kCorners; c += 2)
        for (std::size_t i = 0; i < kTile; ++i) hwy::Prefetch(entries + corners.entry[c][i] * F);
}

template <std::size_t F>
using DF = hn::CappedTag<float, F>;

template <std::size_t F>
HWY_INLINE auto LoadEntry(const float* table, std::size_t entry) {
    return hn::LoadU(DF<F>(), table + entry * F);
}
template <std::size_t F>
HWY_INLINE auto LoadEntry(const std::uint16_t* table, std::size_t entry) {
    const hn::Rebind<hwy::float16_t, DF<F>> dh;
    return hn::PromoteTo(DF<F>(), hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(table) + entry * F));
}

template <std::size_t F, std::size_t kCorners, class Number>
void ForwardTile(const HashGridLayout& layout, const Tile& tile, std::size_t count, const Number* table, float* out,
                 std::size_t stride) {
    const DF<F> df;
    constexpr std::size_t parts = F / hn::MaxLanes(DF<F>());
    Corners both[2];
    FindCorners<kCorners>(layout.levels[0], tile, both[0]);
    for (std::size_t l = 0; l < layout.levels.size(); ++l) {
        const HashGridLevel& level = layout.levels[l];
        const Corners& corners = both[l % 2];
        const Number* entries = table + level.offset * F;
        if (l + 1 < layout.levels.size()) {
            const HashGridLevel& next = layout.levels[l + 1];
            FindCorners<kCorners>(next, tile, both[(l + 1) % 2]);
            SendFor<F, kCorners>(next, both[(l + 1) % 2], table + next.offset * F);
        }
        for (std::size_t i = 0; i < count; ++i) {
            float* to = out + i * stride + l * F;
            if constexpr (parts == 1) {
                auto sum = hn::Mul(hn::Set(df, corners.weight[0][i]), LoadEntry<F>(entries, corners.entry[0][i]));
                auto other = hn::Mul(hn::Set(df, corners.weight[1][i]), LoadEntry<F>(entries, corners.entry[1][i]));
                for (std::size_t c = 2; c < kCorners; c += 2) {
                    sum =
                        hn::MulAdd(hn::Set(df, corners.weight[c][i]), LoadEntry<F>(entries, corners.entry[c][i]), sum);
                    other = hn::MulAdd(hn::Set(df, corners.weight[c + 1][i]),
                                       LoadEntry<F>(entries, corners.entry[c + 1][i]), other);
                }
                hn::StoreU(hn::Add(sum, other), df, to);
            } else {  // targets without vectors
                for (std::size_t f = 0; f < F; ++f) {
                    const hn::CappedTag<float, 1> d1;
                    float sum = 0;
                    for (std::size_t c = 0; c < kCorners; ++c)
                        sum += corners.weight[c][i] * hn::GetLane(LoadEntry<1>(entries, corners.entry[c][i] * F + f));
                    hn::StoreU(hn::Set(d1, sum), d1, to + f);
                }
            }
        }
    }
}

template <std::size_t kCorners, class Number>
void ForwardIn(const HashGridLayout& layout, const PointArrays& points, const Number* table, float* out,
               std::size_t stride) {
    Tile tile;
    for (std::size_t begin = 0; begin < points.size(); begin += kTile) {
        const std::size_t count = std::min(kTile, points.size() - begin);
        LoadTile(points, begin, count, tile);
        if (layout.features == 4)
            ForwardTile<4, kCorners>(layout, tile, count, table, out + begin * stride, stride);
        else
            ForwardTile<2, kCorners>(layout, tile, count, table, out + begin * stride, stride);
    }
}
template <class Number>
void Forward(const HashGridLayout& layout, const PointArrays& points, const Number* table, float* out,
             std::size_t stride) {
    if (layout.dimensions == 3)
        ForwardIn<8>(layout, points, table, out, stride);
    else
        ForwardIn<4>(layout, points, table, out, stride);
}
void ForwardFloat(const HashGridLayout& layout, const PointArrays& points, const float* table, float* out,
                  std::size_t stride) {
    Forward(layout, points, table, out, stride);
}
void ForwardHalf(const HashGridLayout& layout, const PointArrays& points, const std::uint16_t* table, float* out,
                 std::size_t stride) {
    Forward(layout, points, table, out, stride);
}

template <std::size_t F, std::size_t kCorners>
void ScatterLevel(const HashGridLevel& level, const PointArrays& points, const float* dL_dy, float* gradient,
                  std::uint8_t* touched) {
    const DF<F> df;
    Tile tile;
    Corners both[2];
    const auto prepare = [&](std::size_t begin, Corners& corners) HWY_ATTR {
        LoadTile(points, begin, std::min(kTile, points.size() - begin), tile);
        FindCorners<kCorners>(level, tile, corners);
        SendFor<F, kCorners>(level, corners, gradient);
    };
    if (points.size() > 0) prepare(0, both[0]);
    for (std::size_t begin = 0; begin < points.size(); begin += kTile) {
        const std::size_t count = std::min(kTile, points.size() - begin), which = begin / kTile % 2;
        const Corners& corners = both[which];
        if (begin + kTile < points.size()) prepare(begin + kTile, both[1 - which]);
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t part = 0; part < F; part += hn::MaxLanes(df)) {
                const auto g = hn::LoadU(df, dL_dy + (begin + i) * F + part);
                for (std::size_t c = 0; c < kCorners; ++c) {
                    float* to = gradient + corners.entry[c][i] * F + part;
                    hn::StoreU(hn::MulAdd(hn::Set(df, corners.weight[c][i]), g, hn::LoadU(df, to)), df, to);
                }
            }
            for (std::size_t c = 0; c < kCorners; ++c) touched[corners.entry[c][i] / kHashGridBlock] = 1;
        }
    }
}
void Scatter(const HashGridLayout& layout, const HashGridLevel& level, const PointArrays& points, const float* dL_dy,
             float* gradient, std::uint8_t* touched) {
    const bool plane = layout.dimensions == 2;
    if (layout.features == 4)
        (plane ? ScatterLevel<4, 4> : ScatterLevel<4, 8>)(level, points, dL_dy, gradient, touched);
    else
        (plane ? ScatterLevel<2, 4> : ScatterLevel<2, 8>)(level, points, dL_dy, gradient, touched);
}

void ToHalf(const float* from, std::uint16_t* to, std::size_t n) {
    const hn::CappedTag<float, 8> d;
    const hn::Rebind<hwy::float16_t, decltype(d)> dh;
    const hn::CappedTag<float, 1> d1;
    const hn::Rebind<hwy::float16_t, decltype(d1)> dh1;
    auto* out = reinterpret_cast<hwy::float16_t*>(to);
    std::size_t i = 0;
    for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) hn::StoreU(hn::DemoteTo(dh, hn::LoadU(d, from + i)), dh, out + i);
    for (; i < n; ++i) hn::StoreU(hn::DemoteTo(dh1, hn::LoadU(d1, from + i)), dh1, out + i);
}
void FromHalf(const std::uint16_t* from, float* to, std::size_t n) {
    const hn::CappedTag<float, 1> d;
    const hn::Rebind<hwy::float16_t, decltype(d)> dh;
    const auto* in = reinterpret_cast<const hwy::float16_t*>(from);
    for (std::size_t i = 0; i < n; ++i) hn::StoreU(hn::PromoteTo(d, hn::LoadU(dh, in + i)), d, to + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace nir::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nir::kernels {

HWY_EXPORT(ForwardFloat);
HWY_EXPORT(ForwardHalf);
HWY_EXPORT(Scatter);
HWY_EXPORT(ToHalf);
HWY_EXPORT(FromHalf);

void hash_grid_forward(const HashGridLayout& layout, const PointArrays& points, std::span<const float> table,
                       std::span<float> out, std::size_t stride) {
    HWY_DYNAMIC_DISPATCH(ForwardFloat)(layout, points, table.data(), out.data(), stride);
}
void hash_grid_forward(const HashGridLayout& layout, const PointArrays& points, std::span<const std::uint16_t> table,
                       std::span<float> out, std::size_t stride) {
    HWY_DYNAMIC_DISPATCH(ForwardHalf)(layout, points, table.data(), out.data(), stride);
}
void hash_grid_scatter(const HashGridLayout& layout, std::size_t level, const PointArrays& points,
                       std::span<const float> dL_dy, std::span<float> gradient, std::span<std::uint8_t> touched) {
    HWY_DYNAMIC_DISPATCH(Scatter)
    (layout, layout.levels[level], points, dL_dy.data(), gradient.data(), touched.data());
}
void hash_grid_input_gradient(const HashGridLayout& layout, const PointArrays& points, std::span<const float> table,
                              std::span<const float> dL_dy, std::size_t stride, std::span<float> out) {
    for (std::size_t i = 0; i < points.size(); ++i) {
        const auto g = hash_grid_input_gradient_ref<float>(layout, {points.x[i], points.y[i], points.z[i]},
                                                           table.data(), dL_dy.data() + i * stride);
        std::copy(g.begin(), g.end(), out.begin() + static_cast<std::ptrdiff_t>(3 * i));
    }
}
void to_half(std::span<const float> from, std::span<std::uint16_t> to) {
    HWY_DYNAMIC_DISPATCH(ToHalf)(from.data(), to.data(), from.size());
}
void from_half(std::span<const std::uint16_t> from, std::span<float> to) {
    HWY_DYNAMIC_DISPATCH(FromHalf)(from.data(), to.data(), from.size());
}

}  // namespace nir::kernels
#endif  // HWY_ONCE
