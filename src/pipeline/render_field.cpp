// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/render_field.h"

#include "nir/base/error.h"
#include "nir/io/safetensors.h"
#include "nir/render/field_view.h"
#include "nir/render/volume.h"

#include "pipeline/picture_files.h"
#include "pipeline/render_shape.h"
#include "pipeline/scene_cameras.h"
#include "pipeline/surface_colors.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;

constexpr double kRad = std::numbers::pi / 180;

geom::Box3d world_box(const FieldSource& source) {
    const geom::Box3f domain = source.field->domain();
    geom::Box3d box{static_cast<Vec3d>(domain.lo), static_cast<Vec3d>(domain.hi)};
    if (source.frame) box = {source.frame->user_from_unit(box.lo), source.frame->user_from_unit(box.hi)};
    return box;
}

/// Straight colours with the opacity as fourth channel; the picture was drawn on black.
geom::Image8 transparent(const render::RenderedView& view) {
    geom::Image8 out(view.width, view.height, 4);
    for (std::size_t p = 0; p < view.alpha.size(); ++p) {
        const float alpha = view.alpha[p];
        for (std::size_t k = 0; k < 3; ++k)
            out.data[4 * p + k] = static_cast<std::uint8_t>(
                std::lround(255 * std::clamp(alpha > 0 ? view.rgb[3 * p + k] / alpha : 0.0f, 0.0f, 1.0f)));
        out.data[4 * p + 3] = static_cast<std::uint8_t>(std::lround(255 * alpha));
    }
    return out;
}

geom::Image8 grey(const std::vector<float>& values, int width, int height) {
    geom::Image8 out(width, height, 1);
    for (std::size_t i = 0; i < values.size(); ++i)
        out.data[i] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(values[i], 0.0f, 1.0f)));
    return out;
}

geom::Image8 normal_picture(const render::RenderedView& view) {
    std::vector<float> rgb(view.normals.size());
    std::transform(view.normals.begin(), view.normals.end(), rgb.begin(), [](float n) { return (n + 1) / 2; });
    return render::to_image(rgb, view.width, view.height);
}

void write(PictureFiles& files, const RenderFieldOptions& o, const render::RenderedView& view, std::size_t index) {
    for (const std::string& what : o.outputs) {
        if (what == "rgb")
            files.write_png(index, "", o.background ? view.image() : transparent(view));
        else if (what == "depth")
            files.write_exr(index, "_depth", {"Z"}, view.width, view.height, view.depth);
        else if (what == "alpha")
            files.write_png(index, "_alpha", grey(view.alpha, view.width, view.height));
        else
            files.write_png(index, "_normal", normal_picture(view));
    }
}

render::FieldViewOptions look_of(const RenderFieldOptions& o) {
    render::FieldViewOptions look;
    look.steps = o.steps, look.rays = o.rays;
    look.normals = std::find(o.outputs.begin(), o.outputs.end(), "normal") != o.outputs.end();
    look.background = background_of(o);
    return look;
}

}  // namespace

std::vector<io::PosedCamera> shape_views(const RenderFieldOptions& o, const geom::Box3d& box) {
    if (!o.cameras.empty()) return scene_cameras(o.cameras, o.split, o.size);
    std::vector<io::PosedCamera> out;
    const auto [width, height] = o.size.value_or(std::pair(512, 512));
    const geom::Camera camera = geom::pinhole_camera(width, height, o.fov_deg * kRad);
    if (o.eye) {
        const Vec3d target = o.look_at.value_or(box.center());
        if (!(norm(*o.eye - target) > 0)) fail(ErrorKind::usage, "--eye and --look-at are the same point");
        return {{camera, geom::look_at(*o.eye, target, o.up)}};
    }
    for (const geom::Pose& pose :
         render::orbit(box, camera, o.views, o.up, o.elevation_deg * kRad, o.azimuth_deg * kRad))
        out.push_back({camera, pose});
    return out;
}

std::array<float, 3> background_of(const RenderFieldOptions& o) {
    const geom::Rgb8 behind = o.background.value_or(geom::Rgb8{});
    return {static_cast<float>(behind.r) / 255, static_cast<float>(behind.g) / 255, static_cast<float>(behind.b) / 255};
}

std::optional<fs::path> field_model_file(const fs::path& path) {
    std::error_code ignored;
    const bool run = fs::is_directory(path, ignored) && fs::is_regular_file(path / "model.safetensors", ignored);
    if (!run && path.extension() != ".safetensors") return std::nullopt;
    const fs::path file = *model_file_of({.field = path, .input = {}, .seed = {}, .origin = {}, .spacing = {}});
    if (!run && !io::read_safetensors_metadata(file).contains("model")) return std::nullopt;
    return file;
}

RenderFieldResult render_field(const RenderFieldOptions& o, Progress& progress, PhaseTimer& timer) {
    if (const auto file = model_file_of(o.source); file && is_surface_color_model(*file))
        return render_colored_surface(o, *file, progress, timer);
    if (!o.mesh.empty() || !o.lights.empty())
        fail(ErrorKind::usage, "--mesh and --lights are for models that colour a given mesh, {} is none",
             o.source.field.string());
    FieldSource source = open_field(o.source, progress, timer);
    if (!source.field)
        fail(ErrorKind::usage,
             "model \"{}\" makes no field that a ray could be followed through; nir extract writes what it makes",
             source.kind);
    const float level = o.level ? static_cast<float>(logit_of_level(*o.level)) : source.field->iso();
    const std::vector<io::PosedCamera> views = shape_views(o, world_box(source));
    PictureFiles files(o.out, views.size());
    if (files.exr()) fail(ErrorKind::usage, "{}: learned shapes are drawn as PNG", o.out.string());
    render::FieldViewOptions look = look_of(o);
    RenderFieldResult out;
    out.kind = source.kind;
    out.width = views.front().camera.width, out.height = views.front().camera.height;
    source.field->prepare(source.field->domain());
    std::optional<render::SurfaceBand> band;
    {
        const auto rendering = timer.phase("render");
        look.band = &band.emplace(*source.field, level);
    }
    draw_all(
        out, views.size(), progress, timer,
        [&](std::size_t i) {
            return render::render_field(*source.field, level, source.frame, views[i].camera, views[i].pose, look);
        },
        [&](std::size_t i, const render::RenderedView& view) { write(files, o, view, i); });
    out.files = files.files();
    return out;
}

}  // namespace nir::pipeline
