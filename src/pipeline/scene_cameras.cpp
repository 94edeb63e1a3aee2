// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/scene_cameras.h"

#include "nir/base/error.h"

namespace nir::pipeline {

std::vector<io::PosedCamera> scene_cameras(const std::filesystem::path& path, const std::string& split,
                                           const std::optional<std::pair<int, int>>& size, io::SceneOptions how) {
    how.require_images = false;
    const io::Scene scene = io::read_scene(path, how);
    std::vector<io::PosedCamera> out;
    for (const io::SceneView& v : scene.views)
        if (split == "all" || io::name_of(v.split) == split)
            out.push_back({scene.cameras[v.camera], v.world_from_camera});
    if (out.empty())
        fail(ErrorKind::input, "{}: there are no {}views", path.string(), split == "all" ? "" : split + " ");
    if (size)
        for (io::PosedCamera& v : out) v.camera = geom::scaled(v.camera, size->first, size->second);
    return out;
}

}  // namespace nir::pipeline
