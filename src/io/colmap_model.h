// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The three files of a COLMAP model as they are written; text and binary hold the same.
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/shapes.h"
#include "nir/io/camera_frames.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace nir::io {

struct ColmapCamera {
    std::uint32_t id = 0;
    std::string model;
    std::uint64_t width = 0, height = 0;
    std::vector<double> params;
};
struct ColmapImage {
    std::uint32_t id = 0, camera_id = 0;
    ColmapPose pose;
    std::string name;
};
struct ColmapModel {
    std::vector<ColmapCamera> cameras;
    std::vector<ColmapImage> images;
    geom::PointCloud points;
};

/// Number of parameters of a camera model of COLMAP, by number or by name.
struct ColmapCameraModel {
    std::int32_t number;
    std::string_view name;
    std::size_t params;
};
const ColmapCameraModel* colmap_camera_model(std::int32_t number);
const ColmapCameraModel* colmap_camera_model(std::string_view name);

/// nir's camera. @throws Error format for models that nir does not know, naming what to do.
geom::Camera camera_from_colmap(const ColmapCamera& camera);
/// The smallest model of COLMAP that holds the lens.
ColmapCamera colmap_from_camera(const geom::Camera& camera);

/// Reads cameras, images and points3D (may be missing) of a folder. @throws Error input, format.
ColmapModel read_colmap_binary(const std::filesystem::path& folder);
ColmapModel read_colmap_text(const std::filesystem::path& folder);

}  // namespace nir::io
