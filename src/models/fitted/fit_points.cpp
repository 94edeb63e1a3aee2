// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/fitted/fit_points.h"

#include "nir/base/error.h"

#include "models/cascade/cell_blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

namespace nir::models {
namespace {

using geom::Vec3f;
using geom::Vec3i;

constexpr int kParts = 3;  ///< of a crowded cell, along each axis
constexpr std::size_t kAllParts = kParts * kParts * kParts;

/// Counts points by cell: open addressing, so that the cells of neighbours in the scan are found in the cache.
class CellCounts {
public:
    CellCounts(std::span<const Vec3f> points, Vec3f origin, float cell) : of_point_(points.size()) {
        table_.assign(std::bit_ceil(points.size() / 2 + 64), kNone);
        for (std::size_t i = 0; i < points.size(); ++i) {
            const std::uint32_t at = find(cell_of(points[i], origin, cell));
            of_point_[i] = at;
            ++cells_[at].count;
        }
        table_ = {};
    }

    struct Cell {
        Vec3i place;
        std::uint32_t count = 0;
    };
    const std::vector<Cell>& cells() const { return cells_; }
    std::uint32_t cell(std::size_t point) const { return of_point_[point]; }

private:
    static constexpr std::uint32_t kNone = ~0u;

    static std::size_t hash(Vec3i c) {
        auto h = static_cast<std::uint64_t>(static_cast<std::uint32_t>(c.x)) * 0x9E3779B97F4A7C15u;
        h ^= static_cast<std::uint64_t>(static_cast<std::uint32_t>(c.y)) * 0xC2B2AE3D27D4EB4Fu;
        h ^= static_cast<std::uint64_t>(static_cast<std::uint32_t>(c.z)) * 0x165667B19E3779F9u;
        return static_cast<std::size_t>(h ^ h >> 29);
    }
    std::uint32_t find(Vec3i place) {
        if (2 * cells_.size() >= table_.size()) grow();
        const std::size_t mask = table_.size() - 1;
        std::size_t at = hash(place) & mask;
        while (table_[at] != kNone && cells_[table_[at]].place != place) at = (at + 1) & mask;
        if (table_[at] == kNone) {
            table_[at] = static_cast<std::uint32_t>(cells_.size());
            cells_.push_back({place});
        }
        return table_[at];
    }
    void grow() {
        table_.assign(2 * table_.size(), kNone);
        const std::size_t mask = table_.size() - 1;
        for (std::size_t c = 0; c < cells_.size(); ++c) {
            std::size_t at = hash(cells_[c].place) & mask;
            while (table_[at] != kNone) at = (at + 1) & mask;
            table_[at] = static_cast<std::uint32_t>(c);
        }
    }

    std::vector<std::uint32_t> of_point_, table_;
    std::vector<Cell> cells_;
};

/// A mean that is being summed up, about its first point.
struct Mean {
    std::uint32_t first = 0;  ///< point
    float weight = 0;
    Vec3f offset{}, view{};
};

/// Which of the 27 parts of a cell a place lies in.
std::size_t part_of(Vec3f p, Vec3f origin, float cell, Vec3i place) {
    const Vec3f q = (p - origin) / cell - static_cast<Vec3f>(place);
    std::size_t part = 0;
    for (int a = 2; a >= 0; --a)
        part = part * kParts + static_cast<std::size_t>(std::clamp(static_cast<int>(q[a] * kParts), 0, kParts - 1));
    return part;
}

}  // namespace

void FitPoints::add(const FitPoints& from, std::size_t i) {
    index.push_back(from.index[i]);
    points.push_back(from.points[i]);
    if (!from.views.empty()) views.push_back(from.views[i]);
    if (weights.empty() && from.weight(i) != 1) weights.assign(points.size() - 1, 1.0f);
    if (!weights.empty() || from.weight(i) != 1) weights.push_back(from.weight(i));
}

void condense(FitPoints& p, Vec3f origin, float cell) {
    NIR_CHECK(cell > 0 && p.index.size() == p.size() && (p.views.empty() || p.views.size() == p.size()));
    const CellCounts counts(p.points, origin, cell);
    constexpr std::uint32_t kNone = ~0u;
    std::vector<std::uint32_t> means_of(counts.cells().size(), kNone);  // of crowded cells
    std::uint32_t crowded = 0;
    for (std::size_t c = 0; c < means_of.size(); ++c)
        if (counts.cells()[c].count > kCrowd) means_of[c] = crowded++;
    if (crowded == 0) return;
    std::vector<Mean> means(crowded * kAllParts);
    const auto mean_of = [&](std::size_t i) -> Mean* {
        const std::uint32_t c = counts.cell(i);
        if (means_of[c] == kNone) return nullptr;
        return &means[means_of[c] * kAllParts + part_of(p.points[i], origin, cell, counts.cells()[c].place)];
    };
    for (std::size_t i = 0; i < p.size(); ++i) {
        Mean* m = mean_of(i);
        if (!m) continue;
        if (m->weight == 0) m->first = static_cast<std::uint32_t>(i);
        const float w = p.weight(i);
        m->weight += w;
        m->offset += (p.points[i] - p.points[m->first]) * w;
        if (!p.views.empty()) m->view += p.views[i] * w;
    }
    FitPoints out;
    for (std::size_t i = 0; i < p.size(); ++i) {
        const Mean* m = mean_of(i);
        if (m && m->first != i) continue;
        out.index.push_back(p.index[i]);
        const Vec3f mean = m ? p.points[i] + m->offset / m->weight : p.points[i];
        // Rounding must not move it out of its cell: what lies where does not depend on who looks then.
        const bool stays = m && cell_of(mean, origin, cell) == counts.cells()[counts.cell(i)].place;
        out.points.push_back(stays ? mean : p.points[i]);
        out.weights.push_back(m ? m->weight : p.weight(i));
        if (!p.views.empty()) out.views.push_back(m ? m->view / m->weight : p.views[i]);
    }
    p = std::move(out);
}

std::vector<FitPoints> fit_levels(FitPoints points, Vec3f origin, std::span<const float> cells,
                                  std::span<const geom::Box3f> boxes) {
    NIR_CHECK(!cells.empty() && (boxes.empty() || boxes.size() == cells.size()));
    std::vector<FitPoints> levels(cells.size());
    for (std::size_t k = 0; k < cells.size(); ++k) {
        condense(points, origin, cells[k]);
        if (boxes.empty()) {
            levels[k] = k + 1 < cells.size() ? points : std::move(points);
            continue;
        }
        for (std::size_t i = 0; i < points.size(); ++i)
            if (boxes[k].contains(points.points[i])) levels[k].add(points, i);
    }
    return levels;
}

void append(FitPoints& to, const FitPoints& from) {
    if (to.size() == 0) {
        to = from;
        return;
    }
    for (std::size_t i = 0; i < from.size(); ++i) to.add(from, i);
}

void sort_by_index(FitPoints& p) {
    if (std::is_sorted(p.index.begin(), p.index.end())) return;
    std::vector<std::uint32_t> order(p.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return p.index[a] < p.index[b]; });
    FitPoints out;
    for (const auto i : order) out.add(p, i);
    p = std::move(out);
}

}  // namespace nir::models
