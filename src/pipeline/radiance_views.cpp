// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/radiance_views.h"

#include "nir/base/error.h"
#include "nir/io/safetensors.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace

std::optional<std::filesystem::path> radiance_model_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto file = std::filesystem::is_directory(path, error) ? path / "model.safetensors" : path;
    if (file.extension() != ".safetensors" || !std::filesystem::is_regular_file(file, error)) return std::nullopt;
    const auto metadata = with_context(file.string(), [&] { return io::read_safetensors_metadata(file); });
    if (!render::is_radiance(metadata)) return std::nullopt;
    return file;
}

RadianceConfig config_of(const render::RadianceModel& model) {
    const auto it = model.info.find("info.config");
    if (it == model.info.end()) return {};
    return parse_config<RadianceConfig>(Config::parse(it->second, "the configuration in the model"));
}

Surroundings surroundings_of(const render::RadianceModel& model) {
    Surroundings out;
    out.focus = model.frame.center;
    out.distance = 1.5 * model.frame.side;
    if (model.views.empty()) return out;
    io::Scene scene;
    geom::Vec3d up;
    for (const render::TrainedView& v : model.views) {
        io::SceneView view;
        view.world_from_camera = v.world_from_camera;
        scene.views.push_back(view);
        up = up + v.world_from_camera.up;
    }
    scene.cameras = {model.views.front().camera};
    if (norm(up) > 1e-3 * static_cast<double>(model.views.size())) out.up = normalized(up);
    // An object stands in the middle of its cube; cameras in a wide scene meet where there is something to see.
    if (model.grid.cascades() > 1) out.focus = io::focus_point(scene).value_or(out.focus);
    std::vector<double> distances, elevations;
    for (const render::TrainedView& v : model.views) {
        const geom::Vec3d d = v.world_from_camera.position - out.focus;
        distances.push_back(norm(d));
        elevations.push_back(std::asin(std::clamp(dot(d, out.up) / std::max(norm(d), 1e-12), -1.0, 1.0)));
    }
    out.distance = std::max(median(distances), 1e-6);
    out.elevation = median(elevations);
    const geom::Vec3d first = model.views.front().world_from_camera.position - out.focus;
    if (norm(first) > 0) out.first = normalized(first);
    return out;
}

}  // namespace nir::pipeline
