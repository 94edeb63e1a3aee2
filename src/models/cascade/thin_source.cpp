// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/thin_source.h"

#include "nir/base/error.h"

#include "models/cascade/cell_blocks.h"
#include "models/cascade/octave_encoder.h"
#include "models/fitted/fitted_field.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace nir::models {
namespace {

using geom::PointSource;
using geom::Vec3f;

struct Thinned {
    std::vector<std::uint32_t> index;
    std::vector<Vec3f> points;
};

/// Of the points of a block and its border, those of whole cells stay as if all points were there.
Thinned thin(const PointSource::Found& found, Vec3f origin, float cell) {
    Thinned out;
    out.points = thin_points(found.points, origin, cell);
    // What stays is a subsequence: its indices are found walking along.
    std::size_t at = 0;
    for (const Vec3f& p : out.points) {
        while (!(found.points[at] == p)) ++at;
        out.index.push_back(found.index[at++]);
    }
    return out;
}

}  // namespace

std::vector<Vec3f> thin_source(const PointSource& points, Vec3f origin, float cell) {
    if (points.size() == 0) return {};
    return thin_source(points, points.box(), origin, cell);
}

std::vector<Vec3f> thin_source(const PointSource& points, const geom::Box3f& box, Vec3f origin, float cell) {
    std::vector<std::pair<std::uint32_t, Vec3f>> kept;
    for_cell_blocks(points, box, origin, cell, 0, [&](const CellBlock& block) {
        const Thinned here = thin(block.found, origin, cell);
        for (std::size_t i = 0; i < here.index.size(); ++i) kept.emplace_back(here.index[i], here.points[i]);
    });
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Vec3f> out;
    out.reserve(kept.size());
    for (const auto& k : kept) out.push_back(k.second);
    return out;
}

double share_of_folds(const PointSource& points, Vec3f origin, float cell, float thinning) {
    NIR_CHECK(points.size() > 0 && thinning > 0);
    const float fine = cell / thinning;
    std::vector<bool> stays(points.size());
    std::size_t n = 0;
    for_cell_blocks(points, origin, fine, 0, [&](const CellBlock& block) {
        for (const auto i : thin(block.found, origin, fine).index) stays[i] = true, ++n;
    });
    // Every so-manieth of those that stay is looked at.
    std::vector<bool> asked(points.size());
    const std::size_t step = n / kMostFoldSamples + 1;
    for (std::size_t i = 0, k = 0; i < stays.size(); ++i)
        if (stays[i]) asked[i] = k++ % step == 0;
    std::size_t folded = 0, seen = 0;
    const int border = static_cast<int>(std::ceil(kFoldReach * thinning)) + 1;
    for_cell_blocks(points, origin, fine, border, [&](const CellBlock& block) {
        std::vector<Vec3f> near, places;
        for (std::size_t i = 0; i < block.found.index.size(); ++i) {
            const Vec3f p = block.found.points[i];
            if (!stays[block.found.index[i]]) continue;
            near.push_back(p);
            if (asked[block.found.index[i]] && block.holds(cell_of(p, origin, fine))) places.push_back(p);
        }
        seen += places.size();
        folded += count_folds(near, places, origin, cell);
    });
    return static_cast<double>(folded) / static_cast<double>(seen);
}

}  // namespace nir::models
