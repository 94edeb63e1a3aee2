// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/error.h"
#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/io/camera_frames.h"
#include "nir/pipeline/light.h"
#include "nir/render/light_field.h"

#include "pipeline/lights_file.h"
#include "pipeline/picture_files.h"
#include "pipeline/scene_cameras.h"
#include "pipeline/video.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::pipeline {
namespace {

using geom::Vec3d;

std::vector<io::PosedCamera> cameras_of(const RenderLightOptions& o, const render::LightModel& model) {
    if (!o.cameras.empty()) return scene_cameras(o.cameras, o.split, o.size);
    std::vector<io::PosedCamera> out;
    geom::Camera camera = model.camera;
    if (o.size || o.fov_rad) {
        const auto size = o.size.value_or(std::pair(camera.width, camera.height));
        camera = geom::pinhole_camera(size.first, size.second, o.fov_rad.value_or(model.camera.fov_x_rad()));
    }
    const Vec3d target = o.look_at.value_or(model.field.frame.center), up = normalized(o.up.value_or(Vec3d{0, 0, 1}));
    if (o.eye) {
        if (!(norm(*o.eye - target) > 0)) fail(ErrorKind::usage, "--eye and --look-at are the same point");
        return {{camera, geom::look_at(*o.eye, target, up)}};
    }
    if (o.views == 1 && !o.look_at && !o.up) return {{camera, model.first}};
    const Vec3d start = model.first.position - target, level = start - up * dot(start, up);
    const Vec3d a = norm(level) > 1e-6 ? normalized(level) : normalized(cross(up, Vec3d{up.y, up.z, -up.x})),
                b = cross(up, a);
    for (int i = 0; i < o.views; ++i) {
        const double turn = 2 * std::numbers::pi * i / o.views;
        const Vec3d eye = target + (a * std::cos(turn) + b * std::sin(turn)) * norm(level) + up * dot(start, up);
        out.push_back({camera, geom::look_at(eye, target, up)});
    }
    return out;
}

Lights lights_of(const RenderLightOptions& o, const render::LightModel& model) {
    if (!o.lights.empty()) return read_lights(o.lights, model.field.lamp_radius);
    Lights out;
    MovingLamp lamp;
    lamp.lamp.position = model.lamps.empty() ? model.first.position : model.lamps.front();
    lamp.lamp.radius = model.field.lamp_radius, lamp.positions = {lamp.lamp.position};
    out.lamps.push_back(lamp);
    return out;
}

}  // namespace

RenderLightResult render_light(const RenderLightOptions& o, Progress& progress, PhaseTimer& timer) {
    auto reading = timer.phase("read");
    const render::LightModel model = render::load_light_field(o.model);
    const Lights lights = lights_of(o, model);
    const std::vector<io::PosedCamera> cameras = cameras_of(o, model);
    const std::size_t n = std::max(cameras.size(), static_cast<std::size_t>(lights.frames));
    const bool only_video = o.out.extension() == ".mp4";
    if ((only_video || o.video) && !o.background)
        fail(ErrorKind::usage, "a video needs a background, not transparency");
    if (only_video || o.video) VideoWriter::require_ffmpeg();
    std::optional<PictureFiles> pictures;
    if (!only_video) pictures.emplace(o.out, n);
    if (pictures && pictures->exr()) fail(ErrorKind::usage, "{}: light fields are drawn as PNG", o.out.string());
    const render::Surface surface(model.mesh);
    reading.close();
    RenderLightResult out;
    out.width = cameras.front().camera.width, out.height = cameras.front().camera.height;
    std::optional<VideoWriter> video;
    const std::filesystem::path video_file = only_video ? o.out
                                             : o.out.has_extension()
                                                 ? std::filesystem::path(o.out).replace_extension(".mp4")
                                                 : o.out / "video.mp4";
    if (only_video || o.video) video.emplace(video_file, out.width, out.height, o.fps > 0 ? o.fps : lights.fps);
    const geom::Rgb8 behind = o.background.value_or(geom::Rgb8{255, 255, 255});
    const std::array<float, 3> background{static_cast<float>(behind.r) / 255, static_cast<float>(behind.g) / 255,
                                          static_cast<float>(behind.b) / 255};
    progress.begin("render", n, "pictures");
    double seconds = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const io::PosedCamera& view = cameras[i * cameras.size() / n];
        const auto lamps = lights.at(static_cast<int>(i * static_cast<std::size_t>(lights.frames) / n));
        auto rendering = timer.phase("render");
        const Timer one;
        const render::ViewSamples samples = render::view_samples(surface, view.camera, view.pose, o.rays);
        const std::vector<float> colors =
            model.field.colors(surface, samples.points, view.pose.position, lamps, lights.ambient);
        const geom::Image8 drawn =
            o.background ? render::resolve(samples, colors, background).image() : render::resolve_rgba(samples, colors);
        seconds += one.seconds();
        rendering.close();
        const auto writing = timer.phase("write");
        if (pictures) pictures->write_png(i, "", drawn);
        if (video) video->add(drawn);
        if (!progress.advance(1)) {
            progress.end();
            fail(ErrorKind::cancelled, "stopped after {} of {} pictures", i + 1, n);
        }
    }
    progress.end();
    if (pictures) out.files = pictures->files();
    if (video) video->finish(), out.files.push_back(video_file);
    out.frames = static_cast<int>(n), out.seconds_per_frame = seconds / static_cast<double>(n);
    return out;
}

}  // namespace nir::pipeline
