// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstdint>
#include <span>
#include <vector>

namespace nir::models {

/// What planes are fitted to: points of a scan, or means of several.
struct FitPoints {
    std::vector<std::uint32_t> index;  ///< in the scan, of the first one of each mean; ascending
    std::vector<geom::Vec3f> points;
    std::vector<float> weights;      ///< points that each stands for; empty: 1
    std::vector<geom::Vec3f> views;  ///< mean unit vectors to their sensors (zero: not known); or empty

    std::size_t size() const { return points.size(); }
    /// How many points of the scan entry i stands for.
    float weight(std::size_t i) const { return weights.empty() ? 1.0f : weights[i]; }
    void add(const FitPoints& from, std::size_t i);
};

/// Replaces the points of every cell that holds more than kCrowd of them by their weighted means in its 27 parts:
/// planes whose kernel is a cell wide come out the same but for a few percent of the parts' size, and cost no more than
/// that for any number of points. The lattice is anchored at `origin`: cells that lie in a part of a scan as a whole
/// come out as in the whole scan.
/// @param cell > 0, at least 2^-20 of the points' distance from the origin
void condense(FitPoints& points, geom::Vec3f origin, float cell);
inline constexpr std::size_t kCrowd = 32;

/// Points for lattices of several sizes, finest first: condensed for each, and those in its box.
/// @param cells [L], each twice the one before; lattices are anchored at `origin`  @param boxes [L], or empty: all
/// @param points  all those of whole cells of the last lattice
std::vector<FitPoints> fit_levels(FitPoints points, geom::Vec3f origin, std::span<const float> cells,
                                  std::span<const geom::Box3f> boxes);

/// Appends; sort_by_index() puts together what was appended in any order.
void append(FitPoints& to, const FitPoints& from);
void sort_by_index(FitPoints& points);

}  // namespace nir::models
