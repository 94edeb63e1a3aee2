// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <span>

namespace nir::geom {

/// Standard deviation of points around the quadric z = a + bx + cy + dx^2 + exy + fy^2 that fits them best, in the
/// frame of their principal axes with z along the thinnest one; for a smooth surface that is the noise along its
/// normal. Needs at least 8 points (6 coefficients); 0 if they fit exactly or lie on a line.
double quadric_residual(std::span<const Vec3d> points);

}  // namespace nir::geom
