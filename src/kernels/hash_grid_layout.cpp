// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/kernels/hash_grid.h"

#include <algorithm>
#include <cmath>

namespace nir::kernels {
namespace {

/// Vertices a side up to which R³ fits 32 bits.
constexpr std::uint32_t kLargestDense = 0x659;

void check(bool good, const char* what) {
    if (!good) fail(ErrorKind::config, "hash grid: {}", what);
}

}  // namespace

HashGridLayout hash_grid_layout(const HashGridConfig& c) {
    check(c.levels >= 1 && c.levels <= 32, "levels must be 1 to 32");
    check(c.features == 2 || c.features == 4, "features must be 2 or 4");
    check(c.log2_entries >= 3 && c.log2_entries <= 24, "log2_entries must be 3 to 24");
    check(c.dimensions == 2 || c.dimensions == 3, "dimensions must be 2 or 3");
    check(c.base_resolution >= 2 && c.base_resolution <= 512, "base_resolution must be 2 to 512");
    check(c.finest_resolution >= c.base_resolution && c.finest_resolution <= 1 << 20,
          "finest_resolution must be base_resolution to 2^20");
    const auto base = static_cast<float>(c.base_resolution);
    const float steps = static_cast<float>(std::max(1, c.levels - 1));
    const float growth = std::exp(std::log(static_cast<float>(c.finest_resolution) / base) / steps);
    const float log_growth = std::log2(growth);
    HashGridLayout out;
    out.features = c.features, out.dimensions = c.dimensions;
    std::size_t offset = 0;
    for (int l = 0; l < c.levels; ++l) {
        HashGridLevel level;
        level.scale = std::exp2(static_cast<float>(l) * log_growth) * base - 1.0f;
        level.resolution = static_cast<std::uint32_t>(std::ceil(level.scale)) + 1;
        const std::uint64_t side = level.resolution, most = std::uint64_t{1} << c.log2_entries;
        std::uint64_t all = side * side;
        if (c.dimensions == 3) all = side > kLargestDense ? most + 1 : all * side;
        level.entries = static_cast<std::uint32_t>(std::min((all + 7) / 8 * 8, most));
        level.hashed = all > level.entries;
        level.offset = offset;
        offset += level.entries;
        out.levels.push_back(level);
    }
    return out;
}

std::uint32_t hash_grid_entry(const HashGridLevel& level, std::uint32_t x, std::uint32_t y, std::uint32_t z) {
    const std::uint32_t side = level.resolution;
    if (!level.hashed) return (x + y * side + z * side * side) % level.entries;
    return (x ^ y * 2654435761u ^ z * 805459861u) & (level.entries - 1);
}

}  // namespace nir::kernels
