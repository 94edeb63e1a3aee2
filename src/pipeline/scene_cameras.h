// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The cameras of a scene that pictures are to be drawn from.
#pragma once

#include "nir/io/camera_frames.h"
#include "nir/io/scene.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nir::pipeline {

/// Those of a split ("all", or as io::name_of() says it), with pictures of another size if one is given. The photos
/// need not exist. @param how  what the scene leaves open @throws Error input, format: unreadable, no such view.
std::vector<io::PosedCamera> scene_cameras(const std::filesystem::path& scene, const std::string& split,
                                           const std::optional<std::pair<int, int>>& size, io::SceneOptions how = {});

}  // namespace nir::pipeline
