// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/distance_by_pieces.h"

#include "nir/base/parallel.h"
#include "nir/geom/bvh.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

double squared_distance(const Box3d& box, Vec3d p) { return squared_norm(max(max(box.lo - p, p - box.hi), Vec3d{})); }

}  // namespace

DistanceByPieces::DistanceByPieces(std::vector<Vec3d> points)
    : points_(std::move(points)), squared_(points_.size(), std::numeric_limits<double>::infinity()) {}

void DistanceByPieces::look(const TriMesh& piece, std::span<const std::uint32_t> which) {
    if (which.empty()) return;
    const TriangleBvh bvh(piece);
    parallel_for(which.size(), 256, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            double& best = squared_[which[i]];
            best = std::min(best, bvh.closest(points_[which[i]], std::sqrt(best)).squared_distance);
        }
    });
}

void DistanceByPieces::near(const TriMesh& piece, const Box3d& box) {
    if (piece.faces.empty()) return;
    std::vector<std::uint32_t> which;
    for (std::uint32_t i = 0; i < points_.size(); ++i)
        if (squared_distance(box, points_[i]) <= 0) which.push_back(i);
    look(piece, which);
}

void DistanceByPieces::far(const TriMesh& piece) {
    if (piece.faces.empty()) return;
    Box3d box;
    for (const auto& f : piece.faces)
        for (const auto v : f) box.extend(piece.vertices[v]);
    std::vector<std::uint32_t> which;
    for (std::uint32_t i = 0; i < points_.size(); ++i)
        if (squared_distance(box, points_[i]) < squared_[i]) which.push_back(i);
    look(piece, which);
}

std::vector<double> DistanceByPieces::distances() const {
    std::vector<double> out(squared_.size());
    std::transform(squared_.begin(), squared_.end(), out.begin(), [](double s) { return std::sqrt(s); });
    return out;
}

}  // namespace nir::geom
