// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Meshes, clouds and voxel grids side by side, seen by one camera: picture_strip OUT.png PIXELS CAPTION=FILE …
#include "nir/base/error.h"
#include "nir/extract/voxel_boxes.h"
#include "nir/geom/rasterizer.h"
#include "nir/io/formats.h"
#include "nir/io/png.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

namespace nir {
namespace {

geom::Image8 draw(io::SceneFile file, const geom::ViewCamera& camera, geom::RenderOptions options) {
    if (const auto* grid = std::get_if<geom::VoxelGrid>(&file.content)) {
        options.flat = true;
        return geom::render_mesh(extract::voxel_boxes(*grid), camera, options);
    }
    auto* shape = std::get_if<io::Geometry>(&file.content);
    if (!shape) fail(ErrorKind::input, "neither a mesh nor points nor voxels");
    if (!shape->faces.empty()) return geom::render_mesh(io::to_mesh(std::move(*shape)), camera, options);
    return geom::render_points(io::to_point_cloud(std::move(*shape)), camera, options);
}

int strip(int argc, char** argv) {
    if (argc < 4) fail(ErrorKind::usage, "picture_strip OUT.png PIXELS CAPTION=FILE …");
    geom::RenderOptions options;
    options.width = options.height = std::atoi(argv[2]);
    std::optional<geom::ViewCamera> camera;  // that shows the first shape whole
    std::vector<geom::Panel> panels;
    for (int i = 3; i < argc; ++i) {
        const std::string argument = argv[i];
        const auto equals = argument.find('=');
        if (equals == std::string::npos) fail(ErrorKind::usage, "{}: CAPTION=FILE is wanted", argument);
        const std::string path = argument.substr(equals + 1);
        if (!camera) camera = geom::frame_view(io::read_point_cloud(path).points);
        panels.push_back({draw(io::read_scene_file(path), *camera, options), argument.substr(0, equals)});
    }
    io::write_png(std::filesystem::path(argv[1]), geom::compose_panels(panels));
    return 0;
}

}  // namespace
}  // namespace nir

int main(int argc, char** argv) {
    try {
        return nir::strip(argc, argv);
    } catch (const nir::Error& e) {
        fmt::print(stderr, "{}\n", e.what());
        return 1;
    }
}
