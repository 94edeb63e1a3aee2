// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The polynomials of kernels/spherical_harmonics.h, for numbers and for vectors alike.
#pragma once

#include <array>

namespace nir::kernels {

/// The normalisation constants, by the polynomial that they stand before.
struct ShConstants {
    double c0 = 0.28209479177387814, c1 = 0.48860251190291987, xy = 1.0925484305920792, z2 = 0.94617469575756008,
           z2_minus = 0.31539156525252005, x2y2 = 0.54627421529603959, y3 = 0.59004358992664352,
           xyz = 2.8906114426405538, yz2 = 0.45704579946446572, z3 = 0.3731763325901154, zx2y2 = 1.4453057213202769;
};

template <class Real>
std::array<Real, 16> spherical_harmonics_ref(Real x, Real y, Real z) {
    const ShConstants k;
    const auto c = [](double v) { return static_cast<Real>(v); };
    const Real xx = x * x, yy = y * y, zz = z * z;
    return {c(k.c0),
            -c(k.c1) * y,
            c(k.c1) * z,
            -c(k.c1) * x,
            c(k.xy) * x * y,
            -c(k.xy) * y * z,
            c(k.z2) * zz - c(k.z2_minus),
            -c(k.xy) * x * z,
            c(k.x2y2) * (xx - yy),
            c(k.y3) * y * (yy - 3 * xx),
            c(k.xyz) * x * y * z,
            c(k.yz2) * y * (1 - 5 * zz),
            c(k.z3) * z * (5 * zz - 3),
            c(k.yz2) * x * (1 - 5 * zz),
            c(k.zx2y2) * z * (xx - yy),
            c(k.y3) * x * (3 * yy - xx)};
}

}  // namespace nir::kernels
