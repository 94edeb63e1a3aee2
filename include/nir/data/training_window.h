// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/vec.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace nir::data {

/// A box of a shape with labelled points in it, for models that look through a window.
struct TrainingWindow {
    geom::Vec3d center{};
    std::vector<float> points;       ///< [n,3] inside the box
    std::vector<float> occupancies;  ///< [n] 0 or 1
};

/// True for points inside the shape.
using InsideLabels = std::function<std::vector<std::uint8_t>(const std::vector<geom::Vec3f>&)>;

/// A box of this side with its centre uniform in `bounds`, and n points uniform in the box.
TrainingWindow draw_window(const geom::Box3f& bounds, double side, std::size_t n, const InsideLabels& inside, Rng& rng);

/// The same from points that have labels: those in the box, drawn with replacement. Boxes without any are drawn again,
/// at most 1000 times. @throws nir::Error (input) if all were empty.
TrainingWindow draw_window(const geom::Box3f& bounds, double side, std::size_t n,
                           const std::vector<geom::Vec3f>& labelled, const std::vector<std::uint8_t>& inside, Rng& rng);

}  // namespace nir::data
