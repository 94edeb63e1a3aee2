// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cell_blocks.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::models {
namespace {

using geom::Box3f;
using geom::PointSource;
using geom::Vec3f;
using geom::Vec3i;

constexpr std::size_t kTogether = 500000;

class Splitter {
public:
    Splitter(const PointSource& points, Vec3f origin, float cell, int border,
             const std::function<void(const CellBlock&)>& f)
        : points_(points), origin_(origin), cell_(cell), border_(border), f_(f) {}

    /// Cells [lo, hi): in halves until few enough points lie there.
    void split(Vec3i lo, Vec3i hi) const {
        if (points_.most_in_box(box_of(lo, hi, 0)) == 0) return;
        const Vec3i n = hi - lo;
        const int axis = n.x >= n.y && n.x >= n.z ? 0 : n.y >= n.z ? 1 : 2;
        const Box3f box = box_of(lo, hi, border_);
        if (points_.most_in_box(box) <= kTogether || n[axis] <= 1) {
            f_({lo, hi, within(points_.find(box), lo, hi)});
            return;
        }
        Vec3i middle_hi = hi, middle_lo = lo;
        middle_hi[axis] = middle_lo[axis] = lo[axis] + n[axis] / 2;
        split(lo, middle_hi);
        split(middle_lo, hi);
    }

private:
    /// A little wider than the cells: rounding must not lose a point.
    Box3f box_of(Vec3i lo, Vec3i hi, int border) const {
        const Vec3i b{border, border, border};
        const Vec3f size = points_.box().size();
        const float slack =
            1e-3f * cell_ + 1e-6f * std::max({size.x, size.y, size.z, norm(points_.box().lo - origin_)});
        return Box3f{origin_ + static_cast<Vec3f>(lo - b) * cell_, origin_ + static_cast<Vec3f>(hi + b) * cell_}.padded(
            slack);
    }
    PointSource::Found within(PointSource::Found&& found, Vec3i lo, Vec3i hi) const {
        const Vec3i b{border_, border_, border_};
        const CellBlock wide{lo - b, hi + b, {}};
        PointSource::Found out;
        for (std::size_t i = 0; i < found.points.size(); ++i) {
            if (!wide.holds(cell_of(found.points[i], origin_, cell_))) continue;
            out.index.push_back(found.index[i]);
            out.points.push_back(found.points[i]);
            if (!found.sensors.empty()) out.sensors.push_back(found.sensors[i]);
        }
        return out;
    }

    const PointSource& points_;
    Vec3f origin_;
    float cell_;
    int border_;
    const std::function<void(const CellBlock&)>& f_;
};

}  // namespace

Vec3i cell_of(Vec3f p, Vec3f origin, float cell) {
    const Vec3f q = (p - origin) / cell;
    return {static_cast<int>(std::floor(q.x)), static_cast<int>(std::floor(q.y)), static_cast<int>(std::floor(q.z))};
}

void for_cell_blocks(const PointSource& points, Vec3f origin, float cell, int border,
                     const std::function<void(const CellBlock&)>& f) {
    if (points.size() > 0) for_cell_blocks(points, points.box(), origin, cell, border, f);
}

void for_cell_blocks(const PointSource& points, const Box3f& box, Vec3f origin, float cell, int border,
                     const std::function<void(const CellBlock&)>& f) {
    NIR_CHECK(cell > 0 && border >= 0);
    if (points.size() == 0) return;
    const Box3f all = points.box();
    const Box3f within{geom::max(box.lo, all.lo), geom::min(box.hi, all.hi)};
    if (within.empty()) return;
    Splitter(points, origin, cell, border, f)
        .split(cell_of(within.lo, origin, cell), cell_of(within.hi, origin, cell) + Vec3i{1, 1, 1});
}

}  // namespace nir::models
