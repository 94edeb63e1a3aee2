// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/io/scene_check.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace nir {
class PhaseTimer;
}

namespace nir::pipeline {

/// What a folder of posed photos holds and what is wrong with it.
struct SceneInfo {
    io::Scene scene;
    io::SceneReport report;
    std::string suggestion;
};
/// @param picture PNG of the cameras, the box and the sparse points (io::draw_scene), if wanted.
/// @param timer gets the phases "read", "render" and "write". @throws Error input, format, io.
SceneInfo scene_info(const std::filesystem::path& path, const std::optional<std::filesystem::path>& picture,
                     PhaseTimer& timer);

struct SceneConversion {
    std::string from, to;
    std::size_t views = 0, cameras = 0, points = 0;
    std::vector<std::string> lost;
};
/// Posed photos to transforms.json (OUT ends with .json: one file; otherwise a folder of transforms_*.json with
/// layout "transforms") or COLMAP's text model (a folder, layout "colmap"). The pictures stay where they are.
/// @throws Error usage for another layout; input, format, io.
SceneConversion convert_scene(const std::filesystem::path& in, const std::filesystem::path& out,
                              const std::string& layout, PhaseTimer& timer);

}  // namespace nir::pipeline
