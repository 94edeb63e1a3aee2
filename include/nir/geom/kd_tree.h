// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace nir::geom {

/// One answer of a neighbour search; the distance is Euclidean and squared.
struct Neighbor {
    std::uint32_t index = 0;
    double squared_distance = 0.0;
};

/// Static k-d tree over points. Copies them relative to the centre of their box, in double, so that geo-referenced
/// coordinates keep their millimetres. All queries are const and thread-safe. Wraps nanoflann.
class KdTree {
public:
    /// @param points [N]; N = 0 is allowed and finds nothing. @throws Error{input} naming the first non-finite point,
    /// or if N does not fit 32 bits.
    explicit KdTree(std::span<const Vec3d> points);
    ~KdTree();
    KdTree(KdTree&&) noexcept;
    KdTree& operator=(KdTree&&) noexcept;

    std::size_t size() const;

    /// The nearest point. @throws Error{internal} if the tree is empty; all searches: Error{input} if a query is not
    /// finite.
    Neighbor nearest(Vec3d query) const;
    /// The min(k, size) nearest points, nearest first.
    std::vector<Neighbor> nearest(Vec3d query, std::size_t k) const;
    /// All points with distance <= radius, nearest first.
    std::vector<Neighbor> within(Vec3d query, double radius) const;

    /// Nearest point of every query, in parallel. @param out [N], overwritten.
    void nearest(std::span<const Vec3d> queries, std::span<Neighbor> out) const;
    /// k nearest points of every query, in parallel, nearest first, row by row; needs k <= size().
    /// @param out [N * k], overwritten.
    void nearest(std::span<const Vec3d> queries, std::size_t k, std::span<Neighbor> out) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::geom
