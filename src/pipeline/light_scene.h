// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/scene.h"
#include "nir/render/light_field.h"

#include "pipeline/light_config.h"

#include <vector>

namespace nir::pipeline {

/// The lamp of a view, with power `usual_power` as colour 1. @throws Error{input} if the view names none.
render::LightSource lamp_of(const io::SceneView& view, double usual_power);

/// What a light field learns from.
struct LightScene {
    io::Scene scene;
    std::vector<render::LitView> views;  ///< of the train split
    std::vector<std::size_t> index;      ///< of the scene, one a view
    geom::TriMesh mesh;                  ///< with normals
    double usual_power = 1;              ///< median of the lamps'
    double reference_distance = 1;       ///< median of the lamps' from the middle of the mesh
    double camera_distance = 1;          ///< of the cameras
    double lamp_radius = 0;
    double pixel = 0.01;  ///< what a pixel covers, as a share of the frame's side
    render::FieldFrame frame;
};
/// @throws Error usage, input, format.
LightScene read_light_scene(const LightDataOptions& options);

}  // namespace nir::pipeline
