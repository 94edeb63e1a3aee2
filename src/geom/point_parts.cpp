// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/point_parts.h"

#include "nir/base/error.h"

namespace nir::geom {
namespace {

/// @param halvings  since the count went down for the last time, from `last`
void visit(const PointSource& points, const Box3f& box, std::size_t most, std::size_t last, int halvings,
           const std::function<void(const PointSource::Found&)>& f) {
    const std::size_t n = points.most_in_box(box);
    if (n == 0) return;
    halvings = n < last ? 0 : halvings + 1;
    const Vec3f size = box.size();
    const int axis = size.x >= size.y && size.x >= size.z ? 0 : size.y >= size.z ? 1 : 2;
    const float middle = box.lo[axis] + 0.5f * size[axis];
    Box3f lower = box, upper = box;
    lower.hi[axis] = upper.lo[axis] = middle;
    // Within a tile the count is that of the tile: three halvings that change nothing are one of each axis.
    const bool whole = n <= most || halvings > 3 || !(box.lo[axis] < middle && middle < box.hi[axis]);
    if (whole) return f(points.find(box));
    visit(points, lower, most, n, halvings, f);
    visit(points, upper, most, n, halvings, f);
}

}  // namespace

void visit_box(const PointSource& points, const Box3f& box, std::size_t most,
               const std::function<void(const PointSource::Found&)>& f) {
    NIR_CHECK(most > 0);
    const Box3f all = points.box(), within{max(box.lo, all.lo), min(box.hi, all.hi)};
    if (!within.empty()) visit(points, within, most, points.size() + 1, 0, f);
}

}  // namespace nir::geom
