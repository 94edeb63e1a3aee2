// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/atlasnet/templates.h"

#include "nir/base/error.h"

#include <cmath>
#include <map>
#include <numbers>
#include <utility>

namespace nir::models {
namespace {

using geom::Vec3d;

TemplateMesh square(std::int64_t n) {
    const auto side = static_cast<std::uint32_t>(std::sqrt(static_cast<double>(n)));
    if (side < 2) fail(ErrorKind::config, "a patch needs at least 4 points, not {}", n);
    TemplateMesh out;
    for (std::uint32_t i = 0; i < side; ++i)
        for (std::uint32_t j = 0; j < side; ++j)
            for (const std::uint32_t k : {i, j})
                out.points.push_back(static_cast<float>(static_cast<double>(k) / (side - 1)));
    for (std::uint32_t i = 1; i < side; ++i)
        for (std::uint32_t j = 0; j + 1 < side; ++j)
            out.faces.push_back({j + side * i, j + side * i + 1, j + side * (i - 1)});
    for (std::uint32_t i = 0; i + 1 < side; ++i)
        for (std::uint32_t j = 1; j < side; ++j)
            out.faces.push_back({j + side * i, j + side * i - 1, j + side * (i + 1)});
    return out;
}

/// Halves every edge of a mesh of the unit sphere.
void subdivide(std::vector<Vec3d>& points, std::vector<geom::Triangle>& faces) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> middle;
    const auto between = [&](std::uint32_t a, std::uint32_t b) {
        const auto [it, fresh] = middle.try_emplace(std::minmax(a, b), static_cast<std::uint32_t>(points.size()));
        if (fresh) points.push_back(geom::normalized(points[a] + points[b]));
        return it->second;
    };
    std::vector<geom::Triangle> finer;
    for (const auto& f : faces) {
        const std::uint32_t ab = between(f[0], f[1]), bc = between(f[1], f[2]), ca = between(f[2], f[0]);
        finer.insert(finer.end(), {{f[0], ab, ca}, {f[1], bc, ab}, {f[2], ca, bc}, {ab, bc, ca}});
    }
    faces = std::move(finer);
}

TemplateMesh sphere() {
    constexpr double kPhi = std::numbers::phi;
    std::vector<Vec3d> points;
    for (const Vec3d& p : {Vec3d{-1, kPhi, 0},
                           {1, kPhi, 0},
                           {-1, -kPhi, 0},
                           {1, -kPhi, 0},
                           {0, -1, kPhi},
                           {0, 1, kPhi},
                           {0, -1, -kPhi},
                           {0, 1, -kPhi},
                           {kPhi, 0, -1},
                           {kPhi, 0, 1},
                           {-kPhi, 0, -1},
                           {-kPhi, 0, 1}})
        points.push_back(geom::normalized(p));
    std::vector<geom::Triangle> faces{{0, 11, 5}, {0, 5, 1},  {0, 1, 7},   {0, 7, 10}, {0, 10, 11},
                                      {1, 5, 9},  {5, 11, 4}, {11, 10, 2}, {10, 7, 6}, {7, 1, 8},
                                      {3, 9, 4},  {3, 4, 2},  {3, 2, 6},   {3, 6, 8},  {3, 8, 9},
                                      {4, 9, 5},  {2, 4, 11}, {6, 2, 10},  {8, 6, 7},  {9, 8, 1}};
    for (int level = 0; level < 4; ++level) subdivide(points, faces);
    TemplateMesh out;
    for (const auto& p : points)
        for (int k = 0; k < 3; ++k) out.points.push_back(static_cast<float>(p[k]));
    out.faces = std::move(faces);
    return out;
}

}  // namespace

TemplateMesh regular_template(PatchTemplate t, std::int64_t n) {
    return t == PatchTemplate::square ? square(n) : sphere();
}

}  // namespace nir::models
