// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/light_scene.h"

#include "nir/base/error.h"
#include "nir/io/formats.h"

#include "pipeline/radiance_scene.h"

#include <algorithm>
#include <filesystem>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

double median(std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
}

}  // namespace

render::LightSource lamp_of(const io::SceneView& view, double usual_power) {
    if (!view.light)
        fail(ErrorKind::input, "{}: the view names no lamp; light fields need \"light\": {{\"position\": [x, y, z]}}",
             view.name);
    render::LightSource out;
    out.position = view.light->position, out.radius = view.light->radius;
    const double strength = view.light->power.value_or(usual_power) / usual_power;
    for (int k = 0; k < 3; ++k)
        out.color[static_cast<std::size_t>(k)] = static_cast<float>(view.light->color[k] * strength);
    return out;
}

LightScene read_light_scene(const LightDataOptions& o) {
    if (o.path.empty()) fail(ErrorKind::config, "data.path: which photos? --set data.path=SCENE");
    LightScene out;
    out.scene = io::read_scene(o.path);
    const fs::path folder = fs::is_directory(o.path) ? fs::path(o.path) : fs::path(o.path).parent_path();
    const fs::path mesh = o.mesh.empty() ? folder / "mesh.ply" : fs::path(o.mesh);
    if (o.mesh.empty() && !fs::is_regular_file(mesh))
        fail(ErrorKind::input, "{}: the surface is missing; --set data.mesh=MESH names it", mesh.string());
    out.mesh = io::read_mesh(mesh);
    if (out.mesh.normals.empty()) out.mesh.normals = render::vertex_normals(out.mesh);
    out.frame = render::frame_of(geom::bounds(out.mesh.vertices), 0.01);
    out.index = out.scene.indices(io::Split::train);
    if (out.index.empty()) fail(ErrorKind::input, "{}: there are no photos to train with", o.path);
    std::vector<double> powers, lamps, cameras, pixels;
    for (const std::size_t i : out.index) {
        const io::SceneView& view = out.scene.views[i];
        const double power = view.light ? view.light->power.value_or(1) : 1;
        if (!(power > 0)) fail(ErrorKind::input, "{}: the lamp's power is not positive", view.name);
        powers.push_back(power);
    }
    out.usual_power = median(powers);
    for (const std::size_t i : out.index) {
        const io::SceneView& view = out.scene.views[i];
        render::LitView lit{read_posed_view(out.scene, i), lamp_of(view, out.usual_power)};
        lamps.push_back(norm(lit.lamp.position - out.frame.center));
        cameras.push_back(norm(view.world_from_camera.position - out.frame.center));
        pixels.push_back(cameras.back() / lit.view.camera.fx / out.frame.side);
        out.lamp_radius = std::max(out.lamp_radius, lit.lamp.radius);
        out.views.push_back(std::move(lit));
    }
    out.reference_distance = median(lamps), out.camera_distance = median(cameras), out.pixel = median(pixels);
    return out;
}

}  // namespace nir::pipeline
