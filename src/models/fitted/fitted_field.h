// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/models/cascade.h"

#include "models/fitted/fit_points.h"

#include <memory>
#include <optional>
#include <span>

namespace nir::models {

struct FitOptions {
    double spacing = 0;    ///< of the points on the surface; > 0
    double noise = 0;      ///< standard deviation along the normal
    double mesh_cell = 0;  ///< of the mesh to come: planes are no finer than that; 0 = not known
    /// For a part of a scan: where the field will be asked. The points must hold all those of the scan within
    /// fit_reach() of it; the result is that of the whole scan then, bit by bit.
    std::optional<geom::Box3f> region{};
    std::size_t scan_points = 0;  ///< of the whole scan; 0 = the points given
    /// [N] from each point to its sensor, unit, zero where it is not known; empty option: nothing is known of the scan.
    std::optional<std::span<const geom::Vec3f>> views{};
};

/// Cells of the finest lattice. @param points  of the whole scan
float fit_cell(const FitOptions& options, std::size_t points);
/// Cells of all lattices, finest first, each twice the one before. @param learned_cell  finest cell of the learned
/// field
std::vector<float> fit_cells(const FitOptions& options, std::size_t points, float learned_cell);
/// Where points matter to each of these lattices, for a field that is asked in a box.
std::vector<geom::Box3f> fit_boxes(std::span<const float> cells, const geom::Box3f& region);
/// How far from a place the points matter to the fitted field, and how far
/// from it the learned one is asked. @param learned_cell  finest cell of the learned field
/// @param points  of the whole scan
float fit_reach(const FitOptions& options, std::size_t points, float learned_cell);

/// The share of a scan's points around which, at the scale of a cell, the others form no single sheet: both sides of a
/// wall, creases, clutter. A network with such cells cannot tell the sides of a thin wall from each other.
/// @param points [N,3], N >= 1  @param origin  of the lattice; any place near the points  @param cell > 0
double share_of_folds(std::span<const geom::Vec3f> points, geom::Vec3f origin, float cell);
inline constexpr std::size_t kMostFoldSamples = 20000;  ///< of which every so-manieth point is one
/// The same for some places: how many lie in folds. @param points  all within kFoldReach cells of the places
std::size_t count_folds(std::span<const geom::Vec3f> points, std::span<const geom::Vec3f> places, geom::Vec3f origin,
                        float cell);
inline constexpr float kFoldReach = 3;

/// A field whose surface is fitted to the points where they are dense, and learned elsewhere.
///
/// A network knows where inside is, and fills what was not seen; where a scan has many points, the surface itself needs
/// no network. Near the points the value is slope * signed distance to the moving least squares plane (MomentGrid), on
/// the finest lattice that has enough points around, coarser ones beyond, and the learned field in the end; the
/// transitions are smooth. The learned field orients the planes: each lattice node near the surface gets the direction
/// in which the logit falls. Where it does not (walls thinner than the kernel, noise), the learned value stays. Where
/// sensors are known, outside is where they were; the learned field is asked where that says little (surfaces seen from
/// both sides, grazing views).
///
/// @param learned  its cells may be several spacings wide
/// @param points   [N,3] of the scan, in the frame of `learned`
/// @throws Error cancelled.
std::unique_ptr<CascadeField> fit_surface(std::unique_ptr<CascadeField> learned, std::span<const geom::Vec3f> points,
                                          const FitOptions& options, Progress& progress);
/// The same for a part of a scan. @param levels  fit_levels() of fit_cells() at the lower corner of `learned`'s domain,
/// for fit_boxes() of options.region at least
std::unique_ptr<CascadeField> fit_surface(std::unique_ptr<CascadeField> learned, std::vector<FitPoints> levels,
                                          const FitOptions& options, Progress& progress);

}  // namespace nir::models
