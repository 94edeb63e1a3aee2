// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/io/png.h"
#include "nir/io/safetensors.h"
#include "nir/pipeline/light.h"
#include "nir/render/render_view.h"

#include "pipeline/compare_pictures.h"
#include "pipeline/light_scene.h"
#include "pipeline/radiance_scene.h"

#include <algorithm>
#include <charconv>

namespace nir::pipeline {
namespace {

constexpr int kRays = 2;  // a side of a pixel

/// The power of a lamp of colour 1 in the training.
double usual_power(const render::LightModel& model) {
    const auto it = model.info.find("info.usual_power");
    double out = 1;
    if (it != model.info.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), out);
    return out > 0 ? out : 1;
}

}  // namespace

std::optional<std::filesystem::path> light_model_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto file = std::filesystem::is_directory(path, error) ? path / "model.safetensors" : path;
    if (file.extension() != ".safetensors" || !std::filesystem::is_regular_file(file, error)) return std::nullopt;
    const auto metadata = with_context(file.string(), [&] { return io::read_safetensors_metadata(file); });
    if (!render::is_light_field(metadata)) return std::nullopt;
    return file;
}

EvaluateLightResult evaluate_light(const EvaluateLightOptions& o, Progress& progress, PhaseTimer& timer) {
    auto reading = timer.phase("read");
    const render::LightModel model = render::load_light_field(o.model);
    if (o.scene.empty()) fail(ErrorKind::usage, "{}: compared with which photos? --truth SCENE", o.model.string());
    const io::Scene scene = io::read_scene(o.scene);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < scene.views.size(); ++i)
        if (o.split == "all" || io::name_of(scene.views[i].split) == o.split) all.push_back(i);
    if (all.empty()) fail(ErrorKind::input, "{}: there are no {} photos", o.scene.string(), o.split);
    make_folder(o.pictures);
    reading.close();
    const render::Surface surface(model.mesh);
    const double power = usual_power(model);
    EvaluateLightResult out;
    out.scene = o.scene.string(), out.convention = PictureComparison::convention();
    PictureComparison compare;
    const std::size_t n = o.views > 0 ? std::min(o.views, all.size()) : all.size();
    progress.begin("evaluate", n, "views");
    double seconds = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t index = all[i * all.size() / n];
        const render::PosedView photo = read_posed_view(scene, index);
        const render::LightSource lamp = lamp_of(scene.views[index], power);
        geom::Image8 drawn;
        {
            const auto rendering = timer.phase("render");
            const Timer one;
            const render::ViewSamples samples =
                render::view_samples(surface, photo.camera, photo.world_from_camera, kRays);
            drawn =
                render::resolve(
                    samples, model.field.colors(surface, samples.points, photo.world_from_camera.position, {&lamp, 1}),
                    {1, 1, 1})
                    .image();
            seconds += one.seconds();
        }
        const auto measuring = timer.phase("measure");
        const double before = i > 0 ? compare.psnr() * static_cast<double>(i) : 0;
        compare.add(photo, drawn);
        out.views.push_back({scene.views[index].name, compare.psnr() * static_cast<double>(i + 1) - before});
        if (!o.pictures.empty())
            io::write_png(o.pictures / picture_name(scene.views[index].name), beside(photo, drawn));
        if (!progress.advance(1)) {
            progress.end();
            fail(ErrorKind::cancelled, "stopped after {} of {} views", i + 1, n);
        }
    }
    progress.end();
    out.psnr = compare.psnr(), out.ssim = compare.ssim(), out.psnr_foreground = compare.psnr_foreground();
    out.seconds_per_view = seconds / static_cast<double>(n);
    return out;
}

}  // namespace nir::pipeline
