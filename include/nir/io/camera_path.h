// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/camera.h"

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace nir::io {

/// A place on a path, with the field of view across the picture.
struct PathKey {
    geom::Pose world_from_camera;
    std::optional<double> fov_rad;  ///< not given: that of the caller
    double time = 0;                ///< seconds from the start, ascending
};

/// A moving camera: key frames with smooth curves between them (docs/formats/camera_path.md).
struct CameraPath {
    std::vector<PathKey> keys;
    std::optional<int> width, height;
    double fps = 30;
    bool loop = false;   ///< the last key is followed by the first; `seconds` is the length of the whole circle
    bool exact = false;  ///< every key is one picture as it is: nothing lies between
    double seconds = 0;

    /// Pictures of the path: one a key if exact, otherwise seconds * fps, at least one.
    std::size_t frames() const;
    /// Where the camera is in picture i. Positions follow a Catmull-Rom curve, directions the same curve over unit
    /// quaternions, fields of view lines.
    PathKey at(std::size_t frame) const;
};

/// Reads a path: nir's own key frames, nerfstudio's camera_path, or the frames of a transforms.json one by one.
/// @throws Error input, format with file and place.
CameraPath read_camera_path(const std::filesystem::path& path);
CameraPath parse_camera_path(std::string_view json);

}  // namespace nir::io
