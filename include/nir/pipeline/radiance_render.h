// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/shapes.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nir {
class PhaseTimer;
class Progress;
}  // namespace nir

namespace nir::pipeline {

/// The model file that `path` names if it is a radiance field: the file itself, or model.safetensors of a run folder.
std::optional<std::filesystem::path> radiance_model_file(const std::filesystem::path& path);

struct RenderRadianceOptions {
    std::filesystem::path model;
    std::filesystem::path out;                ///< .png or .exr (several: NAME_000 and on), .mp4, or a folder
    std::optional<std::pair<int, int>> size;  ///< width and height; default: those of the photos
    std::optional<double> fov_rad;            ///< across the picture; default: that of the photos

    /// Where from, the first that is set: the cameras of a scene ("trained": those of the model), a path, an eye, or
    /// `views` places around what the photos look at.
    std::filesystem::path cameras;
    std::string split = "all";  ///< of the scene: all, train, val, test
    std::filesystem::path path;
    std::optional<geom::Vec3d> eye, look_at, up;
    int views = 1;
    std::optional<double> azimuth_rad, elevation_rad, distance;  ///< of the circle; default: as the photos stand

    std::vector<std::string> outputs{"rgb"};                           ///< rgb, depth, normal, alpha
    std::optional<geom::Rgb8> background = geom::Rgb8{255, 255, 255};  ///< nothing: transparent
    bool linear = false;  ///< EXR colours in linear light instead of as on the screen
    double stop = 1e-3;   ///< a ray ends where less gets through
    bool video = false;   ///< also (with .mp4: only) a video, by the program ffmpeg
    double fps = 0;       ///< of the video; 0: of the path, or 30
};

struct RenderRadianceResult {
    std::vector<std::filesystem::path> files;
    int frames = 0, width = 0, height = 0;
    double seconds_per_frame = 0;  ///< without reading and writing
};

/// Pictures of a radiance field. Phases: "read", "render", "write". @throws Error usage, input, format, io; cancelled.
RenderRadianceResult render_radiance(const RenderRadianceOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
