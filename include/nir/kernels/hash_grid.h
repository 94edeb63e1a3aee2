// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::kernels {

/// What a multiresolution hash grid looks like before its sizes are worked out.
struct HashGridConfig {
    int levels = 8;                   ///< grids from coarse to fine, 1..32
    int features = 4;                 ///< numbers per entry, 2 or 4
    int log2_entries = 19;            ///< a level holds at most 2^this entries, 3..24
    int base_resolution = 16;         ///< vertices a side of the coarsest level
    double finest_resolution = 2048;  ///< vertices a side of the finest level
    int dimensions = 3;               ///< 2: points of a plane, four vertices around each
};

/// One level. Vertices a side: `resolution`; a point x of the unit cube lies at scale * x + 0.5 in the lattice.
struct HashGridLevel {
    float scale = 0;
    std::uint32_t resolution = 0;
    std::uint32_t entries = 0;  ///< a power of two where `hashed`
    bool hashed = false;        ///< else x + y R + z R² (z = 0 in a plane)
    std::size_t offset = 0;     ///< entries of the levels before
};

/// Sizes of every level; the table is [entries, features], levels packed from coarse to fine.
struct HashGridLayout {
    int features = 4;
    std::vector<HashGridLevel> levels;
    int dimensions = 3;

    std::size_t entries() const { return levels.empty() ? 0 : levels.back().offset + levels.back().entries; }
    std::size_t parameters() const { return entries() * static_cast<std::size_t>(features); }
    /// Numbers per encoded point.
    std::size_t width() const { return levels.size() * static_cast<std::size_t>(features); }
};

/// Works the sizes out as tiny-cuda-nn does, in float: growth b = exp(ln(finest / base) / (levels - 1)),
/// scale = 2^(l log2 b) base - 1, resolution = ceil(scale) + 1, entries = min(resolution³ (resolution² in a plane) up
/// to a multiple of 8, 2^T). Ref: mueller2022 §3. @throws Error{config} if a number is outside its range.
HashGridLayout hash_grid_layout(const HashGridConfig& config);

/// The entry of vertex (x, y, z) within its level. Vertices one beyond the end wrap around (as in the reference).
std::uint32_t hash_grid_entry(const HashGridLevel& level, std::uint32_t x, std::uint32_t y, std::uint32_t z);

/// Coordinates of N points, one array each, in the unit cube; values outside and NaN are clamped into it. In a plane z
/// is not read and may be empty.
struct PointArrays {
    std::span<const float> x, y, z;
    std::size_t size() const { return x.size(); }
};

/// Linear interpolation on every level: out[i * stride + l * features + f]. The table may be float or IEEE half.
/// @param out overwritten; stride >= layout.width(). N = 0 is allowed. Thread-safe, no allocation.
/// Ref: mueller2022 §3, eq. 2 to 4.
void hash_grid_forward(const HashGridLayout& layout, const PointArrays& points, std::span<const float> table,
                       std::span<float> out, std::size_t stride);
void hash_grid_forward(const HashGridLayout& layout, const PointArrays& points, std::span<const std::uint16_t> table,
                       std::span<float> out, std::size_t stride);

/// Entries that share one flag of `touched` below.
inline constexpr std::size_t kHashGridBlock = 16;

/// Adds the gradient of one level: gradient[entry * features + f] += weight * dL_dy[i * features + f]. Points are taken
/// in order, so one caller per level makes the sums repeatable without atomics.
/// @param gradient [entries of this level, features] @param touched one byte per kHashGridBlock entries, set to 1 where
/// something was added.
void hash_grid_scatter(const HashGridLayout& layout, std::size_t level, const PointArrays& points,
                       std::span<const float> dL_dy, std::span<float> gradient, std::span<std::uint8_t> touched);

/// dL/dx of every point in three dimensions: out[i * 3 + axis] (overwritten), from dL_dy[i * stride + l * features +
/// f]. Scalar code: it is for normals and poses, not for the inner loop.
void hash_grid_input_gradient(const HashGridLayout& layout, const PointArrays& points, std::span<const float> table,
                              std::span<const float> dL_dy, std::size_t stride, std::span<float> out);

/// IEEE half and back, rounding to nearest even; 8 values at a time where the machine can.
void to_half(std::span<const float> from, std::span<std::uint16_t> to);
void from_half(std::span<const std::uint16_t> from, std::span<float> to);

}  // namespace nir::kernels
