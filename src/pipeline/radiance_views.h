// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What rendering, evaluation and extraction of a radiance field share.
#pragma once

#include "nir/io/camera_frames.h"
#include "nir/io/scene.h"
#include "nir/pipeline/radiance_render.h"
#include "nir/render/radiance_model.h"

#include "pipeline/radiance_scene.h"

namespace nir::pipeline {

using io::PosedCamera;

/// The configuration that a model was trained with; defaults if the file does not say.
RadianceConfig config_of(const render::RadianceModel& model);

/// Where the trained cameras stood.
struct Surroundings {
    geom::Vec3d focus{};         ///< what they look at
    geom::Vec3d up{0, 0, 1};     ///< unit vector
    geom::Vec3d first{1, 0, 0};  ///< direction from the focus to the first camera
    double distance = 1;         ///< median, from the focus
    double elevation = 0.38;     ///< median above the horizon, radians
};
Surroundings surroundings_of(const render::RadianceModel& model);

}  // namespace nir::pipeline
