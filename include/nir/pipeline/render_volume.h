// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/shapes.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nir {
class PhaseTimer;
class Progress;
}  // namespace nir

namespace nir::pipeline {

struct RenderVolumeOptions {
    std::filesystem::path volume;  ///< NPY or NPZ [X,Y,Z] or [X,Y,Z,4], binvox
    std::filesystem::path out;     ///< .png or .exr: one picture (several: NAME_000 and on); otherwise a folder
    std::optional<geom::Vec3d> spacing, origin;

    int width = 512, height = 512;
    double fov_deg = 40;  ///< across the picture
    std::optional<geom::Vec3d> eye, look_at;
    geom::Vec3d up{0, 1, 0};
    int views = 1;  ///< on a circle
    double azimuth_deg = 34, elevation_deg = 22;
    std::filesystem::path cameras;  ///< a scene whose cameras are used instead

    std::string transfer = "surface";  ///< a preset or a file
    std::optional<std::pair<double, double>> range;
    bool shade = true, premultiplied = false;
    double step = 0.5, stop = 1e-3;
    std::vector<std::string> outputs{"rgb"};                           ///< rgb, depth, alpha
    std::optional<geom::Rgb8> background = geom::Rgb8{255, 255, 255};  ///< nothing: transparent
};

struct RenderVolumeResult {
    std::vector<std::filesystem::path> files;
    int frames = 0, width = 0, height = 0;
    double seconds_per_frame = 0;  ///< without reading and writing
    std::size_t volume_bytes = 0;
    std::pair<double, double> range{0, 0};
};

/// Pictures of a volume by emission and absorption (render/volume.h).
/// @param timer gets the phases "read", "render" and "write". @throws Error usage, input, format, io; cancelled.
RenderVolumeResult render_volume(const RenderVolumeOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
