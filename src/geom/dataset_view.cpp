// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/dataset_view.h"

#include "nir/base/error.h"

#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

constexpr double kDistance = 1.75;  // of the published renderings, in diagonals

struct Axes {
    Vec3d back, right, up;  // back points from the object to the eye
};

Axes axes_of(const DatasetView& v) {
    const double a = v.azimuth_deg * std::numbers::pi / 180, e = v.elevation_deg * std::numbers::pi / 180;
    Axes out;
    out.back = {std::cos(a) * std::cos(e), std::sin(e), std::sin(a) * std::cos(e)};
    out.right = {std::sin(a), 0, -std::cos(a)};
    out.up = cross(out.back, out.right);
    return out;
}

double diagonal(const Box3d& box) {
    NIR_CHECK(!box.empty());
    const double d = norm(box.size());
    NIR_CHECK(d > 0 && std::isfinite(d));
    return d;
}

}  // namespace

DatasetView DatasetView::random(Rng& rng) {
    DatasetView v;
    v.azimuth_deg = rng.uniform(0, 360);
    v.elevation_deg = rng.uniform(25, 30);
    v.distance = rng.uniform(0.7, 0.95);
    return v;
}

ViewCamera camera_of(const DatasetView& view, const Box3d& box) {
    ViewCamera camera;
    camera.target = box.center();
    camera.eye = camera.target + axes_of(view).back * (kDistance * view.distance * diagonal(box));
    camera.up = {0, 1, 0};
    camera.fov_y_rad = 2 * std::atan(0.5 * kDatasetSide / kDatasetFocal);
    return camera;
}

std::array<double, 12> world_matrix(const DatasetView& view, const Box3d& box) {
    const Axes axes = axes_of(view);
    const double scale = 1 / diagonal(box);
    const std::array<Vec3d, 3> rows = {axes.right * scale, -axes.up * scale, -axes.back * scale};
    std::array<double, 12> m{};
    for (std::size_t r = 0; r < 3; ++r) {
        for (int c = 0; c < 3; ++c) m[4 * r + static_cast<std::size_t>(c)] = rows[r][c];
        m[4 * r + 3] = -dot(rows[r], box.center()) + (r == 2 ? kDistance * view.distance : 0.0);
    }
    return m;
}

std::array<double, 9> camera_matrix() {
    return {kDatasetFocal, 0, kDatasetSide / 2, 0, kDatasetFocal, kDatasetSide / 2, 0, 0, 1};
}

}  // namespace nir::geom
