// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::models {

/// Moments of a cloud on a sparse lattice, from which the plane that fits the points around any place follows without
/// a neighbour search: every point is spread over the eight nodes around it (linear weights), and a query gathers the
/// 27 nodes around it with quadratic B-spline weights. Together that is a moving least squares plane whose kernel is
/// bell-shaped, about 0.65 cells wide (standard deviation) and zero beyond 2.5.
/// Ref: Levin, Mesh-independent surface interpolation, 2003 (moving least squares); deviation: the kernel is a fixed
/// one per lattice, since moments can be summed then.
class MomentGrid {
public:
    /// @param points [N,3], finite  @param origin of node (0,0,0)  @param cell distance of nodes, > 0
    /// @param directions [N,3] to the sensors of the points, or empty: see seen_from()
    /// @param weights [N] points that each stands for, or empty: 1
    /// The result depends on the order of the points (rounding), not on the number of threads.
    MomentGrid(std::span<const geom::Vec3f> points, geom::Vec3f origin, float cell,
               std::span<const geom::Vec3f> directions = {}, std::span<const float> weights = {});

    float cell() const { return cell_; }

    /// The plane around a place; lengths in the frame of the points.
    struct Plane {
        float weight = 0;        ///< kernel-weighted number of points; 0: none within reach, the rest is 0 too
        geom::Vec3f center{};    ///< weighted mean of the points
        geom::Vec3f normal{};    ///< unit, along the thinnest axis, without a meaning of its sign
        float thickness = 0;     ///< variance along the normal / along the second axis: 0 plane, 1 no plane at all
        float width = 0;         ///< variance along the second axis, in cells squared; a surface has 0.2 to 0.7
        geom::Vec3f outwards{};  ///< mean of the orientations that were set on the nodes around, length 0..1
        float residual = 0;      ///< kernel-weighted mean of the residuals that were given, see add_residuals()
    };
    Plane fit(geom::Vec3f place) const;

    /// Nodes, those next to points and others of their bricks; their order does not depend on threads.
    std::size_t nodes() const { return bricks_.size() * kNodes; }
    geom::Vec3f node_position(std::size_t node) const;
    /// True if points lie within a cell along each axis; the others are never given a direction.
    bool next_to_points(std::size_t node) const { return data_[node / kNodes][node % kNodes].weight > 0; }
    /// Gives a node an outward direction of length 0 (unknown) to 1. Nodes without one, and those
    /// that no point contributes to, are left out of the mean.
    void set_outwards(std::size_t node, geom::Vec3f direction);
    /// Mean direction to the sensors of the points around a node, with the weights of fit(); zero without directions.
    geom::Vec3f seen_from(std::size_t node) const;
    /// A number for each point, such as its height over the plane there, spread like the points; fit() averages it.
    /// @param residuals [N], points as given to the constructor  @param trust [N], 0 to 1: their weights
    void add_residuals(std::span<const geom::Vec3f> points, std::span<const float> residuals,
                       std::span<const float> trust);
    /// Each point once, those of a brick after each other: fit() at places in this order finds its nodes in the cache.
    std::vector<std::uint32_t> points_by_place(std::span<const geom::Vec3f> points) const;
    /// Frees what only set-up needs; seen_from() is zero, and points cannot be asked for, from then on.
    void forget_points() { seen_ = {}, order_ = {}, begin_ = {}; }

    std::size_t memory_bytes() const;

private:
    static constexpr int kSide = 4, kNodes = kSide * kSide * kSide;
    /// Sums over points, d in cells from the middle of the node's brick, so that the nodes of a brick can be added up
    /// as they are: one cache line, nothing but floats.
    struct alignas(64) Node {
        float weight = 0;
        geom::Vec3f first{};            ///< sum of w d
        std::array<float, 6> second{};  ///< sum of w d d^T: xx yy zz xy xz yz
        geom::Vec3f outwards{};
        float known = 0;                  ///< 1 if outwards was set
        float residual = 0, trusted = 0;  ///< sums of w trust residual and of w trust
    };
    static_assert(sizeof(Node) == 64);
    geom::Vec3i node_index(std::size_t node) const;
    std::int32_t find(geom::Vec3i brick) const;
    void find_neighbours();
    static Node weighted_nodes(const std::array<Node, kNodes>& nodes, geom::Vec3i corner, geom::Vec3i lo,
                               const std::array<std::array<float, 3>, 3>& weights);
    void insert_bricks();
    /// Calls f(place in cells from the middle of the brick, node, its index in the brick, hat weight, point) for each
    /// of the eight nodes of each point, one brick after the other on each thread.
    template <class F>
    void spread(std::span<const geom::Vec3f> points, const F& f);

    geom::Vec3f origin_;
    float cell_;
    std::vector<geom::Vec3i> bricks_;
    std::vector<std::array<Node, kNodes>> data_;         ///< x fastest
    std::vector<std::array<geom::Vec3f, kNodes>> seen_;  ///< sum of w direction, or empty
    std::vector<std::int32_t> table_;                    ///< open addressing: slot of a brick, or -1
    std::vector<std::array<std::int32_t, 27>> around_;   ///< slots of the bricks around each, x fastest, or -1
    std::vector<std::uint32_t> order_;                   ///< points brick by brick, in each that has one of their nodes
    std::vector<std::size_t> begin_;                     ///< [bricks + 1] into order_
};

}  // namespace nir::models
