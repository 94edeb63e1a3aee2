// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Pictures of a given mesh in the colours, or below the lamps, of a model that has seen one picture of it.
#include "nir/base/error.h"
#include "nir/render/posed_view.h"
#include "nir/render/surface.h"

#include "pipeline/lights_file.h"
#include "pipeline/picture_files.h"
#include "pipeline/render_shape.h"
#include "pipeline/surface_colors.h"

#include <algorithm>

namespace nir::pipeline {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr int kShadowRays = 8;

/// Linear colours of places of the surface.
std::vector<float> colors_of(const ColoredSurface& c, const render::Surface& surface,
                             std::span<const render::SurfacePoint> points, Vec3d eye,
                             std::span<const render::LightSource> lamps, float ambient) {
    std::vector<Vec3d> places;
    for (const render::SurfacePoint& p : points) places.push_back(p.position);
    const std::vector<Vec3f> inside = c.in_frame(places);
    std::vector<float> out = c.colors->colors(inside);
    if (!c.colorer->lit()) {
        std::transform(out.begin(), out.end(), out.begin(), render::linear_from_srgb);
        return out;
    }
    for (float& v : out) v *= ambient;
    const double reference = c.colorer->lamp_distance() * c.frame.scale;
    std::vector<models::LitPlace> lit(points.size());
    for (const render::LightSource& lamp : lamps) {
        for (std::size_t i = 0; i < points.size(); ++i) {
            const Vec3d p = points[i].position;
            models::LitPlace& l = lit[i];
            l.position = inside[i], l.normal = points[i].normal;
            l.to_eye = static_cast<Vec3f>(normalized(eye - p));
            l.to_lamp = static_cast<Vec3f>(lamp.direction_from(p));
            l.falloff = lamp.distant ? 1.0f : static_cast<float>(reference * reference * lamp.falloff_at(p));
            l.visible = dot(l.normal, l.to_lamp) > 0
                            ? render::visible_share(surface, points[i], lamp, lamp.radius > 0 ? kShadowRays : 1, i)
                            : 0.0f;
        }
        const std::vector<float> light = c.colors->lamp_light(lit);
        for (std::size_t i = 0; i < light.size(); ++i) out[i] += lamp.color[i % 3] * light[i];
    }
    return out;
}

Lights lights_of(const RenderFieldOptions& o, const ColoredSurface& c, const io::PosedCamera& view) {
    if (!c.colorer->lit()) {
        if (!o.lights.empty()) fail(ErrorKind::usage, "--lights: this model knows no lamps");
        return {};
    }
    if (!o.lights.empty()) return read_lights(o.lights, 0);
    // Beside the first camera, as far away as the lamps of the training.
    Lights out;
    MovingLamp lamp;
    const Vec3d way = normalized(view.pose.position - c.frame.center_user) + view.pose.up * 0.5 - view.pose.right * 0.5;
    lamp.lamp.position = c.frame.center_user + normalized(way) * (c.colorer->lamp_distance() * c.frame.scale);
    lamp.positions = {lamp.lamp.position};
    out.lamps.push_back(lamp);
    return out;
}

}  // namespace

RenderFieldResult render_colored_surface(const RenderFieldOptions& o, const std::filesystem::path& model,
                                         Progress& progress, PhaseTimer& timer) {
    if (o.mesh.empty()) fail(ErrorKind::usage, "{} colours a given mesh: --mesh MESH", model.string());
    if (!o.source.input) fail(ErrorKind::usage, "{} needs a picture: --input", model.string());
    if (o.outputs != std::vector<std::string>{"rgb"}) fail(ErrorKind::usage, "--output: texture fields give rgb");
    auto reading = timer.phase("read");
    const ColoredSurface c = look_at_surface(model, o.mesh, *o.source.input, o.source.seed.value_or(0));
    const render::Surface surface(c.mesh);
    geom::Box3d box{c.frame.center_user, c.frame.center_user};
    for (const Vec3d& v : c.mesh.vertices) box.extend(v);
    const std::vector<io::PosedCamera> views = shape_views(o, box);
    const Lights lights = lights_of(o, c, views.front());
    reading.close();
    const std::size_t n = std::max(views.size(), static_cast<std::size_t>(lights.frames));
    PictureFiles files(o.out, n);
    if (files.exr()) fail(ErrorKind::usage, "{}: texture fields are drawn as PNG", o.out.string());
    RenderFieldResult out;
    out.kind = c.model->name();
    out.width = views.front().camera.width, out.height = views.front().camera.height;
    draw_all(
        out, n, progress, timer,
        [&](std::size_t i) {
            const io::PosedCamera& view = views[i * views.size() / n];
            const auto lamps = lights.at(static_cast<int>(i * static_cast<std::size_t>(lights.frames) / n));
            const render::ViewSamples samples = render::view_samples(surface, view.camera, view.pose, o.rays);
            const std::vector<float> colors =
                colors_of(c, surface, samples.points, view.pose.position, lamps, lights.ambient);
            return o.background ? render::resolve(samples, colors, background_of(o)).image()
                                : render::resolve_rgba(samples, colors);
        },
        [&](std::size_t i, const geom::Image8& image) { files.write_png(i, "", image); });
    out.files = files.files();
    return out;
}

}  // namespace nir::pipeline
