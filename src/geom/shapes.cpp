// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/shapes.h"

namespace nir::geom {

Box3d bounds(const std::vector<Vec3d>& points) {
    Box3d box;
    for (const auto& p : points) box.extend(p);
    return box;
}

}  // namespace nir::geom
