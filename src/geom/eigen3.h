// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <array>

namespace nir::geom {

/// Eigenvalues (largest first) and unit eigenvectors (right-handed) of a symmetric 3 x 3 matrix, by Jacobi rotations.
struct Eigen3 {
    std::array<double, 3> values{};
    std::array<Vec3d, 3> vectors{};
};

/// @param m rows of the matrix; only the symmetric part matters.
Eigen3 eigen_symmetric(const std::array<Vec3d, 3>& m);

}  // namespace nir::geom
