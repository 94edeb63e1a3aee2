// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/training_window.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::data {

using geom::Vec3d;
using geom::Vec3f;

namespace {

Vec3d draw_center(const geom::Box3f& bounds, Rng& rng) {
    Vec3d center;
    for (int a = 0; a < 3; ++a)
        center[a] = rng.uniform(static_cast<double>(bounds.lo[a]), static_cast<double>(bounds.hi[a]));
    return center;
}

void add(TrainingWindow& window, Vec3f p, bool inside) {
    window.points.insert(window.points.end(), {p.x, p.y, p.z});
    window.occupancies.push_back(inside ? 1.0f : 0.0f);
}

}  // namespace

TrainingWindow draw_window(const geom::Box3f& bounds, double side, std::size_t n, const InsideLabels& inside,
                           Rng& rng) {
    TrainingWindow out;
    out.center = draw_center(bounds, rng);
    std::vector<Vec3f> points(n);
    for (auto& p : points)
        for (int a = 0; a < 3; ++a)
            p[a] = static_cast<float>(rng.uniform(out.center[a] - side / 2, out.center[a] + side / 2));
    const auto labels = inside(points);
    for (std::size_t i = 0; i < n; ++i) add(out, points[i], labels[i] != 0);
    return out;
}

TrainingWindow draw_window(const geom::Box3f& bounds, double side, std::size_t n, const std::vector<Vec3f>& labelled,
                           const std::vector<std::uint8_t>& inside, Rng& rng) {
    constexpr int kTries = 1000;
    NIR_CHECK(labelled.size() == inside.size());
    for (int attempt = 0; attempt < kTries; ++attempt) {
        TrainingWindow out;
        out.center = draw_center(bounds, rng);
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < labelled.size(); ++i) {
            const Vec3d d = Vec3d(labelled[i]) - out.center;
            if (std::max({std::abs(d.x), std::abs(d.y), std::abs(d.z)}) <= side / 2) found.push_back(i);
        }
        if (found.empty()) continue;
        for (std::size_t k = 0; k < n; ++k) {
            const std::size_t i = found[rng.below(found.size())];
            add(out, labelled[i], inside[i] != 0);
        }
        return out;
    }
    fail(ErrorKind::input,
         "no labelled point lies in {} boxes of side {:.3g} around its surface; larger boxes "
         "(query_cells, unit_size) or more labelled points are needed",
         kTries, side);
}

}  // namespace nir::data
