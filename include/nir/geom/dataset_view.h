// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/rasterizer.h"

#include <array>

namespace nir::geom {

/// Where a picture of the papers' image data is taken from: a camera that looks at the middle of the object's box, y
/// up. Ref: Choy et al. 2016 (renderings), occupancy networks' cameras.npz.
struct DatasetView {
    double azimuth_deg = 0;    ///< about y, from +x towards +z
    double elevation_deg = 0;  ///< above the plane y = 0
    double distance = 1;       ///< share of 1.75 diagonals of the box

    /// Azimuth anywhere, elevation 25 to 30 degrees, distance 0.7 to 0.95: the object fills the picture and is whole.
    static DatasetView random(Rng& rng);
};

/// Focal length and side of the published pictures, pixels. The papers' code has the side built in, so camera_mat is
/// given in these pixels whatever the size of the pictures is.
inline constexpr double kDatasetFocal = 149.84375, kDatasetSide = 137;

/// The camera in the frame of the box.
ViewCamera camera_of(const DatasetView& view, const Box3d& box);
/// world_mat [3,4], row by row: a point of the box's frame to camera axes (x right, y down, z forward), in units of the
/// box's diagonal.
std::array<double, 12> world_matrix(const DatasetView& view, const Box3d& box);
/// camera_mat [3,3], row by row.
std::array<double, 9> camera_matrix();

}  // namespace nir::geom
