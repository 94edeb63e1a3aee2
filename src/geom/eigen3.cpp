// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/eigen3.h"

#include <cmath>
#include <utility>

namespace nir::geom {

Eigen3 eigen_symmetric(const std::array<Vec3d, 3>& m) {
    double a[3][3], v[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
            a[i][j] = 0.5 * (m[static_cast<std::size_t>(i)][j] + m[static_cast<std::size_t>(j)][i]);
    for (int sweep = 0; sweep < 50; ++sweep) {
        const double off = a[0][1] * a[0][1] + a[0][2] * a[0][2] + a[1][2] * a[1][2];
        const double diagonal = a[0][0] * a[0][0] + a[1][1] * a[1][1] + a[2][2] * a[2][2];
        if (off <= 1e-34 * diagonal) break;
        for (const auto& [p, q] : {std::pair{0, 1}, std::pair{0, 2}, std::pair{1, 2}}) {
            if (a[p][q] == 0.0) continue;
            const double theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
            const double c = 1.0 / std::hypot(t, 1.0), s = t * c;
            for (int k = 0; k < 3; ++k) {  // a <- a J, v <- v J
                const double ap = a[k][p], aq = a[k][q], vp = v[k][p], vq = v[k][q];
                a[k][p] = c * ap - s * aq, a[k][q] = s * ap + c * aq;
                v[k][p] = c * vp - s * vq, v[k][q] = s * vp + c * vq;
            }
            for (int k = 0; k < 3; ++k) {  // a <- J^T a
                const double ap = a[p][k], aq = a[q][k];
                a[p][k] = c * ap - s * aq, a[q][k] = s * ap + c * aq;
            }
        }
    }
    std::array<int, 3> order = {0, 1, 2};
    if (a[order[0]][order[0]] < a[order[1]][order[1]]) std::swap(order[0], order[1]);
    if (a[order[1]][order[1]] < a[order[2]][order[2]]) std::swap(order[1], order[2]);
    if (a[order[0]][order[0]] < a[order[1]][order[1]]) std::swap(order[0], order[1]);
    Eigen3 out;
    for (std::size_t i = 0; i < 3; ++i) {
        const int o = order[i];
        out.values[i] = a[o][o];
        out.vectors[i] = {v[0][o], v[1][o], v[2][o]};
    }
    if (dot(cross(out.vectors[0], out.vectors[1]), out.vectors[2]) < 0.0) out.vectors[2] = -out.vectors[2];
    return out;
}

}  // namespace nir::geom
