// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/point_source.h"
#include "nir/geom/sensors.h"
#include "nir/models/cascade.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace nir::models {

/// What rays from sensors to their points say about the space of a scan: cells that they passed through are outside,
/// cells just behind their ends are inside.
///
/// Each cell counts rays: in front, up to kStop cells before a point (rays that graze a surface must not eat it), and
/// behind, up to kBehind cells beyond it. Counts are averaged over the cells around (3 x 3 x 3, twice), so that gaps
/// between rays close and single rays say little. Evidence is (behind - front) / (behind + front + kDoubt): weak where
/// few rays came or where they disagree. Cells next to points are never outside, and of those with points nothing is
/// said: within the noise of a surface the points themselves say where it is. A few points for each cell are enough:
/// time and memory follow the number of cells. Ref: Curless and Levoy, A volumetric method for building complex models
/// from range images, 1996 (space carving); Labatut, Pons, Keriven, Robust and efficient surface reconstruction from
/// range data, 2009 (rays vote in front and behind, softly).
class FreeSpace {
public:
    static constexpr float kStop = 1;                       ///< cells in front of a point in which a ray ends
    static constexpr float kBehindFrom = 0.5, kBehind = 4;  ///< cells behind a point that it speaks for

    /// @param points [N,3]  @param sensors of the points, same frame  @param box that is looked at
    /// @param cell side, > 0; made larger if the box would have more than kMostCells
    FreeSpace(std::span<const geom::Vec3f> points, const geom::Sensors& sensors, const geom::Box3f& box, float cell);
    static constexpr double kMostCells = 4e6;
    /// The same for points that may lie on disk; they have sensors. @param sensors  their places
    FreeSpace(const geom::PointSource& points, std::span<const geom::Vec3d> sensors, const geom::Box3f& box,
              float cell);
    /// The cell that suits a scan: rays are as far from each other as its points.
    static float cell_for(float learned_cell, double spacing) {
        return std::max(learned_cell, static_cast<float>(1.5 * spacing));
    }

    float cell() const { return cell_; }
    /// -1: surely outside, 1: surely inside, 0: nothing is known. Trilinear between the middles of cells, 0 outside the
    /// box.
    float evidence(geom::Vec3f place) const;
    /// Cells with an evidence below -0.5.
    std::size_t free_cells() const;
    std::size_t memory_bytes() const { return evidence_.size(); }

private:
    /// Counts of each cell; of what is in it: 0 nothing, 1 points, and one more for each ray that starts there.
    struct Rays {
        std::vector<std::uint8_t> front, behind, occupied;
    };
    Rays start(const geom::Box3f& box, float cell);
    void count(Rays& rays, geom::Vec3f point, const geom::Vec3d* sensor) const;
    void conclude(Rays&& rays);
    std::size_t index(geom::Vec3i c) const {
        return (static_cast<std::size_t>(c.z) * static_cast<std::size_t>(size_.y) + static_cast<std::size_t>(c.y)) *
                   static_cast<std::size_t>(size_.x) +
               static_cast<std::size_t>(c.x);
    }
    bool holds(geom::Vec3i c) const {
        return c.x >= 0 && c.y >= 0 && c.z >= 0 && c.x < size_.x && c.y < size_.y && c.z < size_.z;
    }
    template <class F>
    void for_each_cell(geom::Vec3f from, geom::Vec3f direction, float length, const F& f) const;

    geom::Vec3f origin_;
    float cell_ = 0;
    geom::Vec3i size_;
    std::vector<std::int8_t> evidence_;  ///< x fastest, in 127ths
};

/// The field with what is known of its space: where the evidence is e, its value v becomes
/// (1 - |e|) v + |e| min(v, -3), or max(v, 3) for inside.
std::unique_ptr<CascadeField> carve_free_space(std::unique_ptr<CascadeField> learned,
                                               std::shared_ptr<const FreeSpace> space);

}  // namespace nir::models
