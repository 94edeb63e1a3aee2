// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The octree of extract::Mise inside one coarse cell, as bits: a cell that may be halved D times has unit = 2^D finest
// cells an axis, and every set of its points, or of its leaves, is unit^2 rows along z of unit bits. What leaves see,
// which of them are halved and which points that asks for are then a few operations on words for all leaves at once.
#pragma once

#include "nir/geom/vec.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace nir::extract::detail {

inline constexpr int kMaxDepth = 6;
static_assert(std::endian::native == std::endian::little, "rows of a mask are read as words of 64 bits");

/// Sizes for cells that may be halved D = 1..6 times.
template <int D>
struct Masks {
    using Row = std::conditional_t<
        D <= 3, std::uint8_t,
        std::conditional_t<D == 4, std::uint16_t, std::conditional_t<D == 5, std::uint32_t, std::uint64_t>>>;
    static constexpr std::size_t unit = std::size_t{1} << D;
    static constexpr std::size_t rows = unit * unit;
    static constexpr int row_bits = 8 * sizeof(Row);
    /// Words of 64 bits of a set of points.
    static constexpr std::size_t words = (rows * sizeof(Row) + 7) / 8;
    /// Leaves of levels 0..D-1, those that can be halved: 4^level rows of a level, its bits unit >> level apart.
    static constexpr std::size_t leaf_rows = (rows - 1) / 3;
    static constexpr std::size_t first_row(int level) { return ((std::size_t{1} << 2 * level) - 1) / 3; }
    /// The bits of a row where leaves of a level start.
    static constexpr Row starts(int level) {
        Row bits = 0;
        for (std::size_t z = 0; z < unit; z += unit >> level) bits = static_cast<Row>(bits | Row{1} << z);
        return bits;
    }
    using Leaves = std::array<Row, leaf_rows>;

    static const Row* row_of(const std::uint64_t* set) { return reinterpret_cast<const Row*>(set); }
};

/// What a block keeps beside its values, all in one piece of bytes: the points inside, those outside (on the level:
/// both; so what is in neither is not known), those that wait for a value, and the leaves that are halved.
struct MaskLayout {
    std::size_t set_bytes = 0, leaf_bytes = 0;
    std::size_t inside() const { return 0; }
    std::size_t outside() const { return set_bytes; }
    std::size_t pending() const { return 2 * set_bytes; }
    std::size_t halved() const { return 3 * set_bytes; }
    std::size_t bytes() const { return 3 * set_bytes + leaf_bytes; }
};

template <int D>
MaskLayout mask_layout() {
    return {8 * Masks<D>::words, (Masks<D>::leaf_rows * sizeof(typename Masks<D>::Row) + 7) / 8 * 8};
}

inline std::uint64_t load_word(const std::uint8_t* at) {
    std::uint64_t w;
    std::memcpy(&w, at, sizeof w);
    return w;
}
inline void store_word(std::uint8_t* at, std::uint64_t w) { std::memcpy(at, &w, sizeof w); }

/// The number of a point in its block from that of its bit in a set: rows of less than 8 points take 8 bits.
template <int D>
constexpr std::size_t local_of_bit(std::size_t bit) {
    if constexpr (D >= 3) {
        return bit;
    } else {
        return (bit >> 3) << D | (bit & 7);
    }
}

template <class Row>
const Row* rows(const std::uint8_t* bytes) {
    return reinterpret_cast<const Row*>(bytes);
}
template <class Row>
Row* rows(std::uint8_t* bytes) {
    return reinterpret_cast<Row*>(bytes);
}

/// Leaves of levels 0..D-1 whose closed cube contains a point of a set.
/// @param around  the set in the block (0) and in those behind it: +z 1, +y 2, +x 4, and sums of these
template <int D>
void leaves_that_see(const std::uint8_t* const (&around)[8], typename Masks<D>::Leaves& out) {
    using M = Masks<D>;
    using Row = typename M::Row;
    constexpr std::size_t unit = M::unit, half = unit / 2, stride = unit + 1;
    constexpr Row even = M::starts(D - 1);
    // Points 2k, 2k+1, 2k+2 of a row together, at bit 2k; the last one of all is the first of the row behind.
    const auto widen = [](Row w, Row next) {
        return static_cast<Row>((w | w >> 1 | w >> 2 | static_cast<Row>(next & 1) << (unit - 2)) & even);
    };
    const Row* at[8];
    for (int i = 0; i < 8; ++i) at[i] = rows<Row>(around[i]);
    Row along_z[stride * stride], along_y[stride * half];
    for (std::size_t x = 0; x < unit; ++x) {
        for (std::size_t y = 0; y < unit; ++y)
            along_z[x * stride + y] = widen(at[0][x * unit + y], at[1][x * unit + y]);
        along_z[x * stride + unit] = widen(at[2][x * unit], at[3][x * unit]);
    }
    for (std::size_t y = 0; y < unit; ++y) along_z[unit * stride + y] = widen(at[4][y], at[5][y]);
    along_z[unit * stride + unit] = widen(at[6][0], at[7][0]);
    for (std::size_t x = 0; x <= unit; ++x) {
        const Row* from = along_z + x * stride;
        for (std::size_t y = 0; y < half; ++y)
            along_y[x * half + y] = static_cast<Row>(from[2 * y] | from[2 * y + 1] | from[2 * y + 2]);
    }
    Row* level_rows = out.data() + M::first_row(D - 1);
    for (std::size_t x = 0; x < half; ++x)
        for (std::size_t y = 0; y < half; ++y) {
            const Row* from = along_y + 2 * x * half + y;
            level_rows[x * half + y] = static_cast<Row>(from[0] | from[half] | from[2 * half]);
        }
    for (int level = D - 2; level >= 0; --level) {  // the union of the cubes of the children
        const std::size_t n = std::size_t{1} << level;
        const int child = static_cast<int>(unit >> (level + 1));
        const Row* from = out.data() + M::first_row(level + 1);
        const Row keep = M::starts(level);
        Row* to = out.data() + M::first_row(level);
        for (std::size_t x = 0; x < n; ++x)
            for (std::size_t y = 0; y < n; ++y) {
                const Row* c = from + 2 * x * 2 * n + 2 * y;
                const Row all = static_cast<Row>(c[0] | c[1] | c[2 * n] | c[2 * n + 1]);
                to[x * n + y] = static_cast<Row>((all | all >> child) & keep);
            }
    }
}

/// Adds the leaves of all levels that contain a finest cell. @param cell  in units of finest cells
template <int D>
void add_leaves(geom::Vec3i cell, typename Masks<D>::Leaves& out) {
    using Row = typename Masks<D>::Row;
    constexpr auto m = static_cast<unsigned>(Masks<D>::unit - 1);
    const unsigned x = static_cast<unsigned>(cell.x) & m, y = static_cast<unsigned>(cell.y) & m;
    const unsigned z = static_cast<unsigned>(cell.z) & m;
    for (int level = 0; level < D; ++level) {
        const int shift = D - level;
        Row& row = out[Masks<D>::first_row(level) + (std::size_t{x >> shift} << level) + (y >> shift)];
        row = static_cast<Row>(row | Row{1} << (z >> shift << shift));
    }
}

/// Halves every leaf that is wanted: adds it to `halved` and leaves in `wanted` those that were not halved before.
/// @return how many
template <int D>
std::size_t halve(typename Masks<D>::Leaves& wanted, typename Masks<D>::Row* halved) {
    using M = Masks<D>;
    using Row = typename M::Row;
    std::size_t count = 0;
    for (int level = D - 1; level >= 0; --level) {  // finest first: a child of what is halved now has to wait
        const std::size_t n = std::size_t{1} << level;
        const int extent = static_cast<int>(M::unit >> level);
        Row *want = wanted.data() + M::first_row(level), *mine = halved + M::first_row(level);
        for (std::size_t x = 0; x < n; ++x)
            for (std::size_t y = 0; y < n; ++y) {
                Row exists = 1;
                if (level > 0) {
                    const Row parent = halved[M::first_row(level - 1) + (x / 2) * (n / 2) + y / 2];
                    exists = static_cast<Row>(parent | parent << extent);
                }
                Row& w = want[x * n + y];
                w = static_cast<Row>(w & exists & ~mine[x * n + y]);
                mine[x * n + y] = static_cast<Row>(mine[x * n + y] | w);
                count += static_cast<std::size_t>(std::popcount(w));
            }
    }
    return count;
}

/// The points that halved leaves want, on the unit + 1 points an axis of the closed cell.
template <int D>
struct WantedPoints {
    using Row = typename Masks<D>::Row;
    static constexpr std::size_t stride = Masks<D>::unit + 1;
    std::array<Row, stride * stride> row{};            ///< Along z without the last.
    std::array<std::uint8_t, stride * stride> last{};  ///< The last along z.
};

template <int D>
void wanted_points(const typename Masks<D>::Leaves& leaves, WantedPoints<D>& out) {
    using M = Masks<D>;
    using Row = typename M::Row;
    out = {};
    for (int level = 0; level < D; ++level) {
        const std::size_t n = std::size_t{1} << level, extent = M::unit >> level, half = extent / 2;
        const Row* from = leaves.data() + M::first_row(level);
        for (std::size_t x = 0; x < n; ++x)
            for (std::size_t y = 0; y < n; ++y) {
                const Row a = from[x * n + y];
                if (!a) continue;
                Row z = static_cast<Row>(a | a << half);
                if (level > 0) z = static_cast<Row>(z | a << extent);  // level 0: the extent is the width of a row
                const auto last = static_cast<std::uint8_t>(a >> (M::unit - extent) & 1);
                for (std::size_t i = 0; i < 3; ++i)
                    for (std::size_t j = 0; j < 3; ++j) {
                        const std::size_t to = (x * extent + i * half) * out.stride + y * extent + j * half;
                        out.row[to] = static_cast<Row>(out.row[to] | z);
                        out.last[to] = static_cast<std::uint8_t>(out.last[to] | last);
                    }
            }
    }
    if constexpr (D < 3) {  // rows have more bits than points
        for (Row& r : out.row) r = static_cast<Row>(r & ((1u << M::unit) - 1));
    }
}

/// The blocks behind that have points of halved leaves beside their corner, one bit each: bit 4 is +x, bit 6 +x+y, ...
template <int D>
std::uint8_t blocks_behind(const typename Masks<D>::Leaves& leaves) {
    using M = Masks<D>;
    unsigned out = 0;
    for (int level = 0; level < D; ++level) {
        const std::size_t n = std::size_t{1} << level, end = n - 1;
        const auto* from = leaves.data() + M::first_row(level);
        const int last = static_cast<int>(M::unit - (M::unit >> level));
        for (std::size_t x = 0; x < n; ++x)
            for (std::size_t y = 0; y < n; ++y) {
                const auto a = from[x * n + y];
                if (!a) continue;
                const bool ends_x = x == end, ends_y = y == end, ends_z = a >> last & 1;
                out |= (ends_x ? 1u << 4 : 0) | (ends_y ? 1u << 2 : 0) | (ends_z ? 1u << 1 : 0) |
                       (ends_x && ends_y ? 1u << 6 : 0) | (ends_x && ends_z ? 1u << 5 : 0) |
                       (ends_y && ends_z ? 1u << 3 : 0);
            }
    }
    return static_cast<std::uint8_t>(out);
}

/// The blocks before whose closed cells have points of this set on their far sides, bits as above.
template <int D>
std::uint8_t blocks_before(const std::uint8_t* set) {
    using M = Masks<D>;
    using Row = typename M::Row;
    const Row* r = rows<Row>(set);
    unsigned x0 = 0, y0 = 0, z0 = 0, x0z0 = 0, y0z0 = 0;
    for (std::size_t y = 0; y < M::unit; ++y) {
        x0 |= r[y] != 0, x0z0 |= r[y] & 1u;
        y0 |= r[y * M::unit] != 0, y0z0 |= r[y * M::unit] & 1u;
    }
    Row all = 0;
    for (std::size_t i = 0; i < M::rows; ++i) all = static_cast<Row>(all | r[i]);
    z0 = all & 1u;
    return static_cast<std::uint8_t>(x0 << 4 | y0 << 2 | z0 << 1 | unsigned{r[0] != 0} << 6 | x0z0 << 5 | y0z0 << 3);
}

/// Asks for points of a block: those wanted that are neither known nor asked for already.
/// @param behind  which of the blocks around the cell it is: +z 1, +y 2, +x 4, and sums
template <int D>
void ask_block(const WantedPoints<D>& wanted, unsigned behind, const MaskLayout& layout, std::uint8_t* masks) {
    using M = Masks<D>;
    using Row = typename M::Row;
    const std::size_t unit = M::unit, stride = wanted.stride;
    const std::size_t x0 = behind & 4 ? unit : 0, nx = behind & 4 ? 1 : unit;
    const std::size_t y0 = behind & 2 ? unit : 0, ny = behind & 2 ? 1 : unit;
    const Row *inside = rows<Row>(masks + layout.inside()), *outside = rows<Row>(masks + layout.outside());
    Row* pending = rows<Row>(masks + layout.pending());
    for (std::size_t x = 0; x < nx; ++x) {
        const std::size_t from = (x0 + x) * stride + y0, to = x * unit;
        if (behind & 1) {
            for (std::size_t y = 0; y < ny; ++y)
                pending[to + y] =
                    static_cast<Row>(pending[to + y] | (wanted.last[from + y] & ~(inside[to + y] | outside[to + y])));
        } else {
            for (std::size_t y = 0; y < ny; ++y)
                pending[to + y] =
                    static_cast<Row>(pending[to + y] | (wanted.row[from + y] & ~(inside[to + y] | outside[to + y])));
        }
    }
}

/// Calls f.template operator()<D>() with D = depth. @param depth  1..6
template <class F>
decltype(auto) with_depth(int depth, F&& f) {
    switch (depth) {
        case 1:
            return f.template operator()<1>();
        case 2:
            return f.template operator()<2>();
        case 3:
            return f.template operator()<3>();
        case 4:
            return f.template operator()<4>();
        case 5:
            return f.template operator()<5>();
        default:
            return f.template operator()<6>();
    }
}

}  // namespace nir::extract::detail
