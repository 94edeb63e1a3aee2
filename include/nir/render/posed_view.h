// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/image.h"
#include "nir/geom/vec.h"

#include <cstdint>
#include <vector>

namespace nir::render {

/// One photo and where it was taken. The colours are used as they are stored, sRGB-encoded (the colour space "SRGB" of
/// instant-ngp's terms): samples are composited and compared in sRGB, as the published tables of NeRF are.
struct PosedView {
    geom::Camera camera;
    geom::Pose world_from_camera;
    geom::Image8 rgba;                ///< 3 or 4 channels of the camera's size, straight alpha
    std::vector<std::uint8_t> valid;  ///< one a pixel, 0: ignore it; empty: all count
};

/// The cube of the world that the innermost cube [0, 1]³ of the field stands for; axes stay as they are.
struct FieldFrame {
    geom::Vec3d center{};
    double side = 1;  ///< world units

    geom::Vec3d field_from_world(geom::Vec3d p) const { return (p - center) / side + geom::Vec3d{0.5, 0.5, 0.5}; }
    geom::Vec3d world_from_field(geom::Vec3d p) const { return (p - geom::Vec3d{0.5, 0.5, 0.5}) * side + center; }
};

/// The sRGB curve, 0..1 both ways. Ref: IEC 61966-2-1.
float linear_from_srgb(float v);
float srgb_from_linear(float v);

/// The smallest cube around a box, widened by `margin` of its longest side at each end.
FieldFrame frame_of(const geom::Box3d& box, double margin = 0.02);

/// What a pixel covers at the middle of the frame, median over the views, as a fraction of the frame's side: samples
/// much finer than this learn nothing. @throws Error{input} if there are no views.
double pixel_footprint(const std::vector<PosedView>& views, const FieldFrame& frame);

}  // namespace nir::render
