// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/radiance_render.h"

#include "nir/base/error.h"
#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/io/camera_path.h"
#include "nir/io/safetensors.h"
#include "nir/render/radiance_model.h"

#include "pipeline/picture_files.h"
#include "pipeline/radiance_views.h"
#include "pipeline/scene_cameras.h"
#include "pipeline/video.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

std::vector<PosedCamera> cameras_of_scene(const RenderRadianceOptions& o, const render::RadianceModel& model) {
    if (o.cameras != "trained") return scene_cameras(o.cameras, o.split, o.size, scene_options(config_of(model).data));
    std::vector<PosedCamera> out;
    for (const render::TrainedView& v : model.views) out.push_back({v.camera, v.world_from_camera});
    if (out.empty())
        fail(ErrorKind::input, "{}: there are no {}views", o.cameras.string(), o.split == "all" ? "" : o.split + " ");
    if (o.size)
        for (PosedCamera& v : out) v.camera = geom::scaled(v.camera, o.size->first, o.size->second);
    return out;
}

/// A pinhole camera of the size and the field of view that were asked for, or as the photos have them.
geom::Camera free_camera(const RenderRadianceOptions& o, const render::RadianceModel& model,
                         std::optional<std::pair<int, int>> of_path = {}) {
    std::pair<int, int> size{512, 512};
    double fov = 40 * std::numbers::pi / 180;
    if (!model.views.empty()) {
        const geom::Camera& c = model.views.front().camera;
        size = {c.width, c.height};
        fov = c.fov_x_rad();
    }
    if (of_path) size = *of_path;
    if (o.size) size = *o.size;
    return geom::pinhole_camera(size.first, size.second, o.fov_rad.value_or(fov));
}

std::vector<PosedCamera> cameras_of_path(const RenderRadianceOptions& o, const render::RadianceModel& model,
                                         double& fps) {
    const io::CameraPath path = io::read_camera_path(o.path);
    std::optional<std::pair<int, int>> size;
    if (path.width && path.height) size = std::pair(*path.width, *path.height);
    const geom::Camera camera = free_camera(o, model, size);
    std::vector<PosedCamera> out;
    for (std::size_t i = 0; i < path.frames(); ++i) {
        const io::PathKey key = path.at(i);
        out.push_back(
            {key.fov_rad && !o.fov_rad ? geom::pinhole_camera(camera.width, camera.height, *key.fov_rad) : camera,
             key.world_from_camera});
    }
    if (fps == 0) fps = path.fps;
    return out;
}

std::vector<PosedCamera> circle(const RenderRadianceOptions& o, const render::RadianceModel& model) {
    const geom::Camera camera = free_camera(o, model);
    const Surroundings s = surroundings_of(model);
    const geom::Vec3d up = normalized(o.up.value_or(s.up)), target = o.look_at.value_or(s.focus);
    if (o.eye) {
        if (!(norm(*o.eye - target) > 0)) fail(ErrorKind::usage, "--eye and --look-at are the same point");
        return {{camera, geom::look_at(*o.eye, target, up)}};
    }
    const geom::Vec3d start = s.first - up * dot(s.first, up);
    const geom::Vec3d a = norm(start) > 1e-6 ? normalized(start) : normalized(cross(up, {up.y, up.z, -up.x}));
    const geom::Vec3d b = cross(up, a);
    const double elevation = o.elevation_rad.value_or(s.elevation), distance = o.distance.value_or(s.distance);
    std::vector<PosedCamera> out;
    for (int i = 0; i < o.views; ++i) {
        const double turn = o.azimuth_rad.value_or(0) + 2 * std::numbers::pi * i / o.views;
        const geom::Vec3d level = a * std::cos(turn) + b * std::sin(turn);
        const geom::Vec3d eye = target + (level * std::cos(elevation) + up * std::sin(elevation)) * distance;
        out.push_back({camera, geom::look_at(eye, target, up)});
    }
    return out;
}

float linear_light(float v) { return v <= 0.04045f ? v / 12.92f : std::pow((v + 0.055f) / 1.055f, 2.4f); }

std::uint8_t byte(float v) { return static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0f, 1.0f) * 255)); }

/// Premultiplied RGBA of a view that was rendered on black.
std::vector<float> premultiplied(const render::RenderedView& view, bool linear) {
    std::vector<float> out;
    out.reserve(4 * view.alpha.size());
    for (std::size_t i = 0; i < view.alpha.size(); ++i) {
        const float alpha = std::clamp(view.alpha[i], 0.0f, 1.0f);
        for (std::size_t k = 0; k < 3; ++k) {
            const float v = view.rgb[3 * i + k];
            out.push_back(linear && alpha > 0 ? linear_light(std::min(v / alpha, 1.0f)) * alpha : v);
        }
        out.push_back(alpha);
    }
    return out;
}

geom::Image8 straight(const render::RenderedView& view) {
    geom::Image8 out(view.width, view.height, 4);
    for (std::size_t i = 0; i < view.alpha.size(); ++i) {
        for (std::size_t k = 0; k < 3; ++k)
            out.data[4 * i + k] = byte(view.rgb[3 * i + k] / std::max(view.alpha[i], 1e-6f));
        out.data[4 * i + 3] = byte(view.alpha[i]);
    }
    return out;
}

geom::Image8 normal_picture(const render::RenderedView& view) {
    geom::Image8 out(view.width, view.height, 3);
    for (std::size_t i = 0; i < view.normals.size(); ++i) out.data[i] = byte(0.5f + 0.5f * view.normals[i]);
    return out;
}

void write(PictureFiles& files, const RenderRadianceOptions& o, const render::RenderedView& view, std::size_t index) {
    const int w = view.width, h = view.height;
    for (const std::string& what : o.outputs) {
        if (what == "rgb" && files.exr())
            files.write_exr(index, "", {"R", "G", "B", "A"}, w, h, premultiplied(view, o.linear));
        else if (what == "rgb")
            files.write_png(index, "", o.background ? view.image() : straight(view));
        else if (what == "depth")
            files.write_exr(index, "_depth", {"Z"}, w, h, view.depth);
        else if (what == "normal" && files.exr())
            files.write_exr(index, "_normal", {"N.X", "N.Y", "N.Z"}, w, h, view.normals);
        else if (what == "normal")
            files.write_png(index, "_normal", normal_picture(view));
        else if (what == "alpha" && files.exr())
            files.write_exr(index, "_alpha", {"A"}, w, h, view.alpha);
        else if (what == "alpha") {
            geom::Image8 grey(w, h, 1);
            for (std::size_t i = 0; i < view.alpha.size(); ++i) grey.data[i] = byte(view.alpha[i]);
            files.write_png(index, "_alpha", grey);
        }
    }
}

/// Where pictures and video go.
struct Targets {
    std::optional<PictureFiles> pictures;
    fs::path video;  ///< empty: none

    Targets(const RenderRadianceOptions& o, std::size_t views) {
        const bool only_video = o.out.extension() == ".mp4";
        if (only_video || o.video) {
            video = only_video              ? o.out
                    : o.out.has_extension() ? fs::path(o.out).replace_extension(".mp4")
                                            : o.out / "video.mp4";
            VideoWriter::require_ffmpeg();
        }
        if (only_video && o.outputs != std::vector<std::string>{"rgb"})
            fail(ErrorKind::usage, "{}: a video holds colours only; write the rest into a folder, with --video",
                 o.out.string());
        if (!video.empty() && !o.background) fail(ErrorKind::usage, "a video needs a background, not transparency");
        if (!only_video) pictures.emplace(o.out, views);
    }
};

}  // namespace

RenderRadianceResult render_radiance(const RenderRadianceOptions& o, Progress& progress, PhaseTimer& timer) {
    RenderRadianceResult result;
    auto reading = timer.phase("read");
    const render::RadianceModel model = render::load_radiance(o.model);
    double fps = o.fps;
    const std::vector<PosedCamera> views = !o.cameras.empty() ? cameras_of_scene(o, model)
                                           : !o.path.empty()  ? cameras_of_path(o, model, fps)
                                                              : circle(o, model);
    Targets targets(o, views.size());
    reading.close();
    render::RenderOptions look;
    look.march = model.march, look.environment = &model.environment, look.stop_at = static_cast<float>(o.stop);
    look.normals = std::find(o.outputs.begin(), o.outputs.end(), "normal") != o.outputs.end();
    if (!o.background) look.environment = nullptr;
    const bool floats = targets.pictures && targets.pictures->exr();
    const geom::Rgb8 behind = o.background && !floats ? *o.background : geom::Rgb8{0, 0, 0};
    look.background = {static_cast<float>(behind.r) / 255, static_cast<float>(behind.g) / 255,
                       static_cast<float>(behind.b) / 255};
    result.width = views.front().camera.width, result.height = views.front().camera.height;
    std::optional<VideoWriter> video;
    if (!targets.video.empty()) video.emplace(targets.video, result.width, result.height, fps > 0 ? fps : 30);
    progress.begin("render", views.size(), "pictures");
    double seconds = 0;
    for (std::size_t i = 0; i < views.size(); ++i) {
        render::RenderedView view;
        {
            const auto rendering = timer.phase("render");
            const Timer one;
            view = render::render_view(model.field, model.grid, model.frame, views[i].camera, views[i].pose, look);
            seconds += one.seconds();
        }
        const auto writing = timer.phase("write");
        if (targets.pictures) write(*targets.pictures, o, view, i);
        if (video) {
            if (view.width != result.width || view.height != result.height)
                fail(ErrorKind::usage, "the pictures of a video need one size: --size");
            video->add(view.image());
        }
        if (!progress.advance(1)) {
            progress.end();
            fail(ErrorKind::cancelled, "stopped after {} of {} pictures", i + 1, views.size());
        }
    }
    progress.end();
    if (targets.pictures) result.files = targets.pictures->files();
    if (video) {
        const auto writing = timer.phase("write");
        video->finish();
        result.files.push_back(targets.video);
    }
    result.frames = static_cast<int>(views.size());
    result.seconds_per_frame = seconds / static_cast<double>(views.size());
    return result;
}

}  // namespace nir::pipeline
