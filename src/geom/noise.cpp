// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/noise.h"

#include "geom/eigen3.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nir::geom {
namespace {

constexpr std::size_t kTerms = 6;
using Row = std::array<double, kTerms>;

/// Solves the symmetric positive definite system in place by Cholesky's factorisation; false if it is singular.
bool solve(std::array<Row, kTerms>& a, Row& b) {
    for (std::size_t i = 0; i < kTerms; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            double s = a[i][j];
            for (std::size_t k = 0; k < j; ++k) s -= a[i][k] * a[j][k];
            if (i == j) {
                if (!(s > 1e-12 * a[i][i]) || !std::isfinite(s)) return false;
                a[i][i] = std::sqrt(s);
            } else {
                a[i][j] = s / a[j][j];
            }
        }
    for (std::size_t i = 0; i < kTerms; ++i) {
        for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (std::size_t i = kTerms; i-- > 0;) {
        for (std::size_t k = i + 1; k < kTerms; ++k) b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
    return true;
}

Row terms(double x, double y) { return {1, x, y, x * x, x * y, y * y}; }

}  // namespace

double quadric_residual(std::span<const Vec3d> points) {
    if (points.size() < kTerms + 2) return 0;
    Vec3d center{};
    for (const auto& p : points) center += p * (1.0 / static_cast<double>(points.size()));
    std::array<Vec3d, 3> moments{};
    double reach = 0;
    for (const auto& p : points) {
        const Vec3d d = p - center;
        for (int i = 0; i < 3; ++i) moments[static_cast<std::size_t>(i)] += d * d[i];
        reach = std::max(reach, norm(d));
    }
    if (!(reach > 0)) return 0;
    const Eigen3 frame = eigen_symmetric(moments);
    std::array<Row, kTerms> a{};
    Row b{};
    const auto local = [&](Vec3d p) {  // lengths in units of the neighbourhood
        const Vec3d d = (p - center) * (1 / reach);
        return Vec3d{dot(d, frame.vectors[0]), dot(d, frame.vectors[1]), dot(d, frame.vectors[2])};
    };
    for (const auto& p : points) {
        const Vec3d q = local(p);
        const Row t = terms(q.x, q.y);
        for (std::size_t i = 0; i < kTerms; ++i) {
            b[i] += t[i] * q.z;
            for (std::size_t j = 0; j <= i; ++j) a[i][j] += t[i] * t[j];
        }
    }
    if (!solve(a, b)) return 0;
    double sum = 0;
    for (const auto& p : points) {
        const Vec3d q = local(p);
        const Row t = terms(q.x, q.y);
        double r = q.z;
        for (std::size_t i = 0; i < kTerms; ++i) r -= t[i] * b[i];
        sum += r * r;
    }
    return reach * std::sqrt(sum / static_cast<double>(points.size() - kTerms));
}

}  // namespace nir::geom
