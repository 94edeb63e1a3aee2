// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"
#include "nir/geom/spacing.h"
#include "nir/io/scene.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace nir::io {

struct SceneFinding {
    geom::Severity severity;
    std::string text;  ///< one sentence without a full stop, with the figures
};

/// What the cameras of a scene look like together, and what is probably wrong with them.
struct SceneReport {
    std::optional<geom::Vec3d> focus;  ///< where the optical axes meet best
    double focus_distance = 0;         ///< median distance of the cameras from it, along their axes
    geom::Vec3d up;                    ///< mean of the cameras' up axes; short if they disagree
    SceneBox box;
    std::size_t missing_images = 0;
    std::vector<std::size_t> away;  ///< views that look away from the focus, or see next to none of the sparse points
    std::vector<SceneFinding> findings;
};

/// Checks a scene (read with require_images = false, so that missing pictures are counted rather than an error):
/// missing and repeated pictures, flipped axes, cameras that look away, boxes of the wrong scale, intrinsics that do
/// not fit the pictures, lenses that fold.
SceneReport check_scene(const Scene& scene);

struct ScenePictureOptions {
    int width = 1280, height = 720;
};
/// Frusta (blue: train, green: val, orange: test, red: looks away), scene box, axes and sparse points, seen from the
/// side and from above; 8-bit RGB.
geom::Image8 draw_scene(const Scene& scene, const SceneReport& report, const ScenePictureOptions& options = {});

}  // namespace nir::io
