// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/thin_source.h"

#include "nir/base/error.h"

#include "models/cascade/octave_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace nir::models {
namespace {

using geom::Box3f;
using geom::Vec3f;
using geom::Vec3i;

constexpr std::size_t kTogether = 500000;

Vec3i cell_of(Vec3f p, Vec3f origin, float cell) {
    const Vec3f q = (p - origin) / cell;
    return {static_cast<int>(std::floor(q.x)), static_cast<int>(std::floor(q.y)), static_cast<int>(std::floor(q.z))};
}

class Thinner {
public:
    Thinner(const geom::PointSource& points, Vec3f origin, float cell)
        : points_(points), origin_(origin), cell_(cell) {}

    std::vector<Vec3f> run() {
        const Box3f box = points_.box();
        if (points_.size() > 0)
            split(cell_of(box.lo, origin_, cell_), cell_of(box.hi, origin_, cell_) + Vec3i{1, 1, 1});
        std::sort(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) { return a.index < b.index; });
        std::vector<Vec3f> out;
        out.reserve(kept_.size());
        for (const auto& k : kept_) out.push_back(k.point);
        return out;
    }

private:
    struct Kept {
        std::uint32_t index;
        Vec3f point;
    };

    /// Cells [lo, hi): in halves until few enough points lie there.
    void split(Vec3i lo, Vec3i hi) {
        // A little wider than the cells: rounding must not lose a point.
        const Vec3f size = points_.box().size();
        const float slack =
            1e-3f * cell_ + 1e-6f * std::max({size.x, size.y, size.z, norm(points_.box().lo - origin_)});
        const Box3f box =
            Box3f{origin_ + static_cast<Vec3f>(lo) * cell_, origin_ + static_cast<Vec3f>(hi) * cell_}.padded(slack);
        const std::size_t most = points_.most_in_box(box);
        const Vec3i n = hi - lo;
        const int axis = n.x >= n.y && n.x >= n.z ? 0 : n.y >= n.z ? 1 : 2;
        if (most == 0) return;
        if (most <= kTogether || n[axis] <= 1) {
            thin(lo, hi, points_.find(box));
            return;
        }
        Vec3i middle_hi = hi, middle_lo = lo;
        middle_hi[axis] = middle_lo[axis] = lo[axis] + n[axis] / 2;
        split(lo, middle_hi);
        split(middle_lo, hi);
    }

    void thin(Vec3i lo, Vec3i hi, const geom::PointSource::Found& found) {
        std::vector<Vec3f> here;
        std::vector<std::uint32_t> index;
        for (std::size_t i = 0; i < found.points.size(); ++i) {
            const Vec3i c = cell_of(found.points[i], origin_, cell_);
            bool inside = true;
            for (int a = 0; a < 3; ++a) inside = inside && c[a] >= lo[a] && c[a] < hi[a];
            if (inside) here.push_back(found.points[i]), index.push_back(found.index[i]);
        }
        // What stays is a subsequence: its indices are found walking along.
        std::size_t at = 0;
        for (const Vec3f& p : thin_points(here, origin_, cell_)) {
            while (!(here[at] == p)) ++at;
            kept_.push_back({index[at++], p});
        }
    }

    const geom::PointSource& points_;
    Vec3f origin_;
    float cell_;
    std::vector<Kept> kept_;
};

}  // namespace

std::vector<Vec3f> thin_source(const geom::PointSource& points, Vec3f origin, float cell) {
    NIR_CHECK(cell > 0);
    return Thinner(points, origin, cell).run();
}

}  // namespace nir::models
