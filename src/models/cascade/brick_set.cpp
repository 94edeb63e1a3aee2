// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/brick_set.h"

#include "nir/base/error.h"

#include <algorithm>
#include <unordered_map>

namespace nir::models {

namespace {

std::uint64_t key_of(geom::Vec3i b) {
    const auto bits = [](int v) { return static_cast<std::uint64_t>(static_cast<std::uint32_t>(v + 1)) & 0x1FFFFF; };
    return bits(b.x) | bits(b.y) << 21 | bits(b.z) << 42;
}

/// `cells` cells to places of `stride` floats; null gives zeros.
void copy_cells(const float* from, std::int64_t cells, std::int64_t channels, float* to, std::int64_t stride) {
    if (stride == channels) {
        if (from)
            std::copy_n(from, cells * channels, to);
        else
            std::fill_n(to, cells * channels, 0.0f);
        return;
    }
    for (std::int64_t i = 0; i < cells; ++i, to += stride) {
        if (from)
            std::copy_n(from + i * channels, channels, to);
        else
            std::fill_n(to, channels, 0.0f);
    }
}

}  // namespace

BrickSet::BrickSet(std::vector<geom::Vec3i> bricks) : bricks_(std::move(bricks)), neighbors_(bricks_.size()) {
    std::unordered_map<std::uint64_t, std::int32_t> rows;
    rows.reserve(bricks_.size());
    for (std::size_t i = 0; i < bricks_.size(); ++i) {
        const bool is_new = rows.emplace(key_of(bricks_[i]), static_cast<std::int32_t>(i)).second;
        NIR_CHECK(is_new);
    }
    for (std::size_t i = 0; i < bricks_.size(); ++i)
        for (int k = 0; k < 27; ++k) {
            const auto at = rows.find(key_of(bricks_[i] + geom::Vec3i{k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1}));
            neighbors_[i][static_cast<std::size_t>(k)] = at == rows.end() ? -1 : at->second;
        }
}

void gather_with_halo(const BrickSet& bricks, const BrickView& x, std::int64_t first, std::int64_t count, float* to,
                      std::int64_t to_channels) {
    const std::int64_t b = x.side, c = x.channels;
    NIR_CHECK(x.rows <= bricks.size() && first + count <= bricks.size() && to_channels >= c);
    for (std::int64_t i = first; i < first + count; ++i) {
        const auto near = bricks.neighbors(i);
        for (std::int64_t z = -1; z <= b; ++z)
            for (std::int64_t y = -1; y <= b; ++y, to += (b + 2) * to_channels) {
                const std::int64_t dz = z < 0 ? 0 : z < b ? 1 : 2, dy = y < 0 ? 0 : y < b ? 1 : 2;
                const std::int64_t inside = ((z + b) % b * b + (y + b) % b) * b;
                const auto source = [&](std::int64_t dx, std::int64_t cell) -> const float* {
                    const std::int32_t row = near[static_cast<std::size_t>((dz * 3 + dy) * 3 + dx)];
                    return row < 0 || row >= x.rows ? nullptr : x.data + row * x.row_floats() + (inside + cell) * c;
                };
                copy_cells(source(0, b - 1), 1, c, to, to_channels);
                copy_cells(source(1, 0), b, c, to + to_channels, to_channels);
                copy_cells(source(2, 0), 1, c, to + (b + 1) * to_channels, to_channels);
            }
    }
}

}  // namespace nir::models
