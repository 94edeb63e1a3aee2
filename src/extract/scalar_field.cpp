// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/scalar_field.h"

#include <vector>

namespace nir::extract {

void ScalarField::gradients(std::span<const geom::Vec3f> points, std::span<geom::Vec3f> out) const {
    const float h = gradient_step();
    std::vector<geom::Vec3f> moved(points.size());
    std::vector<float> plus(points.size()), minus(points.size());
    for (int axis = 0; axis < 3; ++axis) {
        for (std::size_t i = 0; i < points.size(); ++i) moved[i] = points[i], moved[i][axis] += h;
        values(moved, plus);
        for (std::size_t i = 0; i < points.size(); ++i) moved[i][axis] = points[i][axis] - h;
        values(moved, minus);
        for (std::size_t i = 0; i < points.size(); ++i) out[i][axis] = (plus[i] - minus[i]) / (2 * h);
    }
}

}  // namespace nir::extract
