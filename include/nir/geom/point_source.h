// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace nir::geom {

/// The points of a scan by places: in memory (PointTiles) or on disk, for whoever looks at one box after the other.
/// Thread-safe.
class PointSource {
public:
    virtual ~PointSource() = default;

    virtual std::size_t size() const = 0;
    /// Of all points; and the point of index 0 (there must be one).
    virtual Box3f box() const = 0;
    virtual Vec3f first() const = 0;
    virtual bool has_colors() const = 0;
    virtual bool has_sensors() const { return false; }

    /// Points with their indices in the scan, ascending, so that what is summed over them in this order is the same for
    /// every box that holds them.
    struct Found {
        std::vector<std::uint32_t> index;
        std::vector<Vec3f> points;
        std::vector<Rgb8> colors;            ///< empty without colours
        std::vector<std::uint32_t> sensors;  ///< Sensors::of_point (sensors.h); empty without
    };
    /// The points of a closed box.
    virtual Found find(const Box3f& box) const = 0;
    /// About how many there are, at least as many: looks at tiles, not at points.
    virtual std::size_t most_in_box(const Box3f& box) const = 0;
    /// Calls f for all points in parts, each once, in an order that does not depend on threads; few are in memory.
    virtual void visit(const std::function<void(const Found&)>& f) const = 0;

    std::vector<Vec3f> points_in_box(const Box3f& box) const { return find(box).points; }
};

}  // namespace nir::geom
