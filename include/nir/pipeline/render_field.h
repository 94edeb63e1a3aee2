// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/shapes.h"
#include "nir/pipeline/open_field.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nir::pipeline {

/// The file that `path` names if it is a model of shapes: a model file with a network's name, or that of a run folder.
std::optional<std::filesystem::path> field_model_file(const std::filesystem::path& path);

struct RenderFieldOptions {
    OpenFieldOptions source;       ///< the model and what it is shown
    std::filesystem::path out;     ///< .png or .exr: one picture (several: NAME_000 and on); otherwise a folder
    std::filesystem::path mesh;    ///< what a model colours that makes no shape itself
    std::filesystem::path lights;  ///< lights.json, for models that know lamps; empty: one lamp beside the camera
    std::optional<double> level;   ///< probability of the surface; the model's unless given
    std::optional<std::pair<int, int>> size;  ///< pixels; of the scene's photos, or 512 x 512
    double fov_deg = 40;                      ///< across the picture
    std::optional<geom::Vec3d> eye, look_at;
    geom::Vec3d up{0, 1, 0};
    int views = 1;  ///< on a circle
    double azimuth_deg = 34, elevation_deg = 22;
    std::filesystem::path cameras;                                     ///< of a scene
    std::string split = "all";                                         ///< of it
    std::vector<std::string> outputs{"rgb"};                           ///< rgb, depth, normal, alpha
    std::optional<geom::Rgb8> background = geom::Rgb8{255, 255, 255};  ///< nothing: transparent
    int steps = 256;                                                   ///< samples along a ray
    int rays = 2;                                                      ///< a side of a pixel
};

struct RenderFieldResult {
    std::string kind;  ///< of the model
    std::vector<std::filesystem::path> files;
    int frames = 0, width = 0, height = 0;
    double seconds_per_frame = 0;  ///< without reading and writing
};

/// Pictures of the surface of a learned shape, in its own colours where the model has some (render/field_view.h), from
/// the cameras of a scene or of a circle, in the coordinates that its photos had. A texture field draws `mesh` in the
/// colours, or the light, that it predicts from the picture that it is shown. Phases: "read", "encode", "render",
/// "write". @throws Error usage (a model that makes points, meshes or voxels), input, format, io; cancelled.
RenderFieldResult render_field(const RenderFieldOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
