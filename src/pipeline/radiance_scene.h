// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/scene.h"
#include "nir/pipeline/radiance_config.h"
#include "nir/render/radiance_trainer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nir::pipeline {

/// The photos that a radiance field learns from.
struct RadianceScene {
    io::Scene scene;
    std::vector<render::PosedView> train;
    std::vector<std::size_t> shown;  ///< views of the scene for previews: val, else test, else train
    bool held_out = false;           ///< they are not trained with
    bool transparent = false;        ///< nearly all photos have transparent pixels
};

/// How to read the scene that the options name: meaning of masks, and the views that are left out.
io::SceneOptions scene_options(const RadianceDataOptions& options);
/// The cameras of the scene, with the views that are held out as its test views. @throws Error input, format.
io::Scene read_split_scene(const RadianceDataOptions& options);
/// Reads cameras and photos; shrinks them by data.downscale, which is filled in.
/// @param max_memory bytes that the training may take; 0: any. @throws Error usage, input, format.
RadianceScene read_radiance_scene(RadianceConfig& config, std::uint64_t max_memory);
/// One view with its photo decoded.
render::PosedView read_posed_view(const io::Scene& scene, std::size_t view);

/// What a training starts from; numbers that the configuration leaves open are filled in there.
struct RadianceStart {
    render::FieldFrame frame;
    render::OccupancyGrid grid;
};
RadianceStart start_of(const RadianceScene& scene, RadianceConfig& config);

/// The configuration in the words of the engine.
render::RadianceFieldConfig field_config(const RadianceFieldOptions& options);
render::RadianceTrainerOptions trainer_options(const RadianceConfig& config);

}  // namespace nir::pipeline
