// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nir::geom {

/// How densely a scan covers its surface; all lengths in user units.
struct SpacingEstimate {
    double nearest = 0.0;      ///< median distance to the nearest other point
    double nearest_p10 = 0.0;  ///< 10 % and 90 % quantiles of it: the spread of the local density
    double nearest_p90 = 0.0;
    double surface = 0.0;    ///< sqrt(area / points): side of the square that each point stands for
    double area = 0.0;       ///< estimated area of the scanned surface
    double noise = 0.0;      ///< standard deviation of the points along the normal (estimate_spacing()), >= 0
    std::size_t points = 0;  ///< points without exact duplicates

    /// One size of grid cell and what it says about the area.
    struct Octave {
        double cell = 0.0;
        std::size_t occupied = 0;
        double points_per_cell = 0.0;
        double area = 0.0;
    };
    std::vector<Octave> octaves;  ///< coarse to fine
};

/// Spacing of points without exact duplicates (see unique_points). Fewer than two points: all zero.
///
/// Neighbours are looked up for at most 20,000 points (every k-th). A disc around a point of a surface that reaches its
/// 16th neighbour holds 16 points, so each point stands for pi r^2 / 16 of area, whatever the pattern and the local
/// density; the largest 2 % are clipped, so that stray points do not count as surface. Noise thickens surfaces: the
/// area of a scan whose noise is as large as its spacing is underestimated.
/// The noise is the median over 2,000 points of the residual of a quadric through each and its 16 neighbours, which
/// curvature hardly touches; with fewer than 8 points it is 0. Detail finer than the neighbourhood counts as noise.
/// The octaves count occupied grid cells instead: a surface of area A and no special direction meets 1.5 A / h^2 cells
/// of side h, of which a share 1 - exp(-m) is seen when each holds m points on average (cells that are only grazed make
/// the area too small by up to a fifth where m < 8).
SpacingEstimate estimate_spacing(std::span<const Vec3d> points);

/// True if all coordinates are finite and below 1e100, so that squared distances are finite too. The others count as
/// not finite.
bool is_usable(Vec3d point);

/// Indices of the finite (usable) points without exact repetitions (the first of each stays), ascending.
std::vector<std::uint32_t> unique_points(std::span<const Vec3d> points);

/// What can be wrong with a scan.
enum class ScanProblem {
    empty,
    non_finite,
    duplicates,
    one_point,
    collinear,
    coplanar,
    thin,
    few_points,
    outliers,
    mixed_scales,
    far_apart,
    uneven,
    offset
};
/// note: worth knowing; warning: the result may suffer; error: there is no surface to find.
enum class Severity { note, warning, error };

struct ScanFinding {
    ScanProblem problem;
    Severity severity;
    std::string text;  ///< one sentence without a full stop, with the figures
};

/// What a look at the points of a scan tells before any model is asked.
struct ScanReport {
    std::size_t points = 0, finite = 0, duplicates = 0;
    Box3d box;                            ///< of all finite points
    Box3d robust_box;                     ///< of the points in `kept`
    std::vector<std::uint32_t> kept;      ///< finite, first of its duplicates, no far outlier; ascending
    std::vector<std::uint32_t> outliers;  ///< far away from everything else, ascending
    SpacingEstimate spacing;              ///< of `kept`
    std::array<double, 3> spread{};       ///< standard deviations of `kept` along the principal axes, largest first
    std::array<Vec3d, 3> axes{};          ///< the principal axes, unit, right-handed
    std::vector<ScanFinding> findings;    ///< in the order of ScanProblem

    const ScanFinding* find(ScanProblem problem) const;
    /// The first finding that makes a surface impossible, if any.
    const ScanFinding* error() const;
};

/// Looks at a scan. Never throws on bad points: they become findings.
///
/// Far outliers: points are joined into groups over grid cells of ten times the 90 % quantile of their 8th-neighbour
/// distance; a group of fewer than 2 % of the points (groups of such kind all together fewer than 5 %) that lies
/// farther than a quarter of the diagonal of the large groups away from them is an outlier.
/// Two scans in different units: the 4th-neighbour distances fall into two classes (each at least 5 % of the points)
/// whose means differ by more than 20 times while neither is spread widely itself.
ScanReport inspect_scan(std::span<const Vec3d> points);

}  // namespace nir::geom
