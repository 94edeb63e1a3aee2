// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What a look at a scan needs of its points, which lie in memory or on disk.
#pragma once

#include "nir/geom/kd_tree.h"
#include "nir/geom/shapes.h"
#include "nir/geom/spacing.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace nir::geom {

inline constexpr std::size_t kMaxQueries = 20000;  ///< points whose neighbours are looked up
inline constexpr std::size_t kAreaNeighbors = 16;  ///< by which the spacing is judged

/// Spreads the lowest 21 bits so that two zeros follow each.
inline std::uint64_t spread_bits(std::uint64_t x) {
    x &= 0x1fffff;
    x = (x | x << 32) & 0x1f00000000ffff;
    x = (x | x << 16) & 0x1f0000ff0000ff;
    x = (x | x << 8) & 0x100f00f00f00f00f;
    x = (x | x << 4) & 0x10c30c30c30c30c3;
    return (x | x << 2) & 0x1249249249249249;
}

/// The nearest neighbours of some points, row by row, nearest first (of equal distances, in the order of the scan); the
/// first is the point itself.
struct NearestRows {
    std::size_t k = 0;
    std::vector<double> squared;  ///< [rows * k] distances
    std::vector<Vec3d> places;    ///< [rows * k]

    std::size_t count() const { return k == 0 ? 0 : squared.size() / k; }
};
/// Rows of min(k + 1, N) for every so-manieth point, at most kMaxQueries. @param tree of `points`
NearestRows nearest_rows(const KdTree& tree, std::span<const Vec3d> points, std::size_t k);
/// estimate_spacing() but for the octaves. @param rows with kAreaNeighbors
SpacingEstimate spacing_from(std::size_t points, const NearestRows& rows);
std::vector<SpacingEstimate::Octave> count_octaves(std::span<const Vec3d> points);

/// A cell of a grid over the box of all points in which points lie.
struct OccupiedCell {
    Vec3i cell;
    std::size_t points = 0;
    Box3d box;
};

/// The points of a scan that are kept: finite ones without repetitions, and later without outliers.
class ScanAccess {
public:
    virtual ~ScanAccess() = default;

    std::size_t points = 0, finite = 0;  ///< of the scan
    Box3d box;                           ///< of the finite ones

    virtual std::size_t kept() const = 0;
    /// nearest_rows() of those kept.
    virtual NearestRows nearest(std::size_t k) const = 0;
    /// estimate_spacing() of those kept. @param rows of nearest(kAreaNeighbors)
    virtual SpacingEstimate spacing(const NearestRows& rows) const = 0;
    /// In the order of x, then y, then z.
    virtual std::vector<OccupiedCell> occupied_cells(double side) const = 0;
    /// Leaves out the points of some cells. @param goes  of occupied_cells(side)
    virtual void leave_out(double side, std::span<const OccupiedCell> cells, std::span<const std::uint8_t> goes) = 0;
    /// Those kept, part by part.
    virtual void visit(const std::function<void(std::span<const Vec3d>)>& f) const = 0;

    Vec3i cell_of(Vec3d p, double side) const { return Vec3i((p - box.lo) / side); }
};

/// The figures and findings of inspect_scan(); lists of indices stay empty.
ScanReport inspect(ScanAccess& scan);

/// Where a cell is in a sorted list, or its size.
std::size_t position_of(std::span<const OccupiedCell> cells, Vec3i cell);

}  // namespace nir::geom
