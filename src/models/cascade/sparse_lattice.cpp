// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/sparse_lattice.h"

#include "nir/base/error.h"

#include <bit>

namespace nir::models {

using geom::Vec3f;
using geom::Vec3i;

namespace {

constexpr int kFarthest = 1 << 20;  ///< cells from the origin, along each axis

std::uint64_t hash(Vec3i p) {
    const auto bits = [](std::int32_t v) { return static_cast<std::uint64_t>(v + 2 * kFarthest); };
    std::uint64_t h = (bits(p.z) << 42 ^ bits(p.y) << 21 ^ bits(p.x)) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

Vec3i floored(Vec3f q) {
    return {static_cast<std::int32_t>(std::floor(q.x)), static_cast<std::int32_t>(std::floor(q.y)),
            static_cast<std::int32_t>(std::floor(q.z))};
}

Vec3i corner(Vec3i lo, int k) { return lo + Vec3i{k & 1, k >> 1 & 1, k >> 2}; }

}  // namespace

SparseLattice::SparseLattice(std::span<const Vec3f> points, Vec3f origin, float cell) : origin_(origin), cell_(cell) {
    NIR_CHECK(cell > 0);
    rehash(1024);
    for (const Vec3f& p : points) {
        const Vec3f q = (p - origin_) / cell_;
        if (!(std::max({std::abs(q.x), std::abs(q.y), std::abs(q.z)}) < static_cast<float>(kFarthest)))
            fail(ErrorKind::numeric, "the cells of a correction ({:.3g}) are too small for the extent of the points",
                 cell_);
        const Vec3i lo = floored(q), first = brick_of(lo), last = brick_of(corner(lo, 7));
        for (int z = first.z; z <= last.z; ++z)
            for (int y = first.y; y <= last.y; ++y)
                for (int x = first.x; x <= last.x; ++x) insert({x, y, z});
    }
}

std::size_t SparseLattice::slot_of(Vec3i brick) const {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash(brick) & mask;
    while (table_[at] >= 0 && bricks_[static_cast<std::size_t>(table_[at])] != brick) at = (at + 1) & mask;
    return at;
}

void SparseLattice::rehash(std::size_t slots) {
    table_.assign(std::bit_ceil(slots), -1);
    for (std::size_t i = 0; i < bricks_.size(); ++i) table_[slot_of(bricks_[i])] = static_cast<std::int32_t>(i);
}

void SparseLattice::insert(Vec3i brick) {
    const std::size_t at = slot_of(brick);
    if (table_[at] >= 0) return;
    table_[at] = static_cast<std::int32_t>(bricks_.size());
    bricks_.push_back(brick);
    if (2 * bricks_.size() > table_.size()) rehash(2 * table_.size());
}

std::int32_t SparseLattice::find_brick(Vec3i brick) const { return table_.empty() ? -1 : table_[slot_of(brick)]; }

SparseLattice::Corners SparseLattice::corners(Vec3f point) const {
    const Vec3f q = (point - origin_) / cell_;
    const Vec3i lo = floored(q);
    const Vec3f t = q - static_cast<Vec3f>(lo);
    Corners c;
    Near near(*this, lo);
    for (int k = 0; k < 8; ++k) {
        const auto i = static_cast<std::size_t>(k);
        c.node[i] = near.find(corner(lo, k));
        c.weight[i] = (k & 1 ? t.x : 1 - t.x) * (k & 2 ? t.y : 1 - t.y) * (k & 4 ? t.z : 1 - t.z);
    }
    return c;
}

}  // namespace nir::models
