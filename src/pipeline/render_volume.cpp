// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/render_volume.h"

#include "nir/base/error.h"
#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/io/file_bytes.h"
#include "nir/io/formats.h"
#include "nir/io/scene.h"
#include "nir/render/volume.h"

#include "pipeline/picture_files.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr double kRad = std::numbers::pi / 180;

struct View {
    geom::Camera camera;
    geom::Pose pose;
};

/// The only array of four dimensions whose last one is 4, as a volume of colours; 8-bit values become 0..1.
std::optional<render::RgbaGrid> rgba_of(const io::TensorFile& file) {
    const io::NamedArray* found = nullptr;
    for (const io::NamedArray& a : file.arrays)
        if (a.shape.size() == 4 && a.shape[3] == 4) {
            if (found) fail(ErrorKind::input, "it holds two volumes of colours: {} and {}", found->name, a.name);
            found = &a;
        }
    if (!found) return std::nullopt;
    for (std::size_t i = 0; i < 3; ++i)
        if (found->shape[i] < 1 || found->shape[i] > 4096)
            fail(ErrorKind::input, "a volume of shape {} cannot be rendered", found->shape_text());
    render::RgbaGrid grid;
    const auto side = [&](std::size_t i) { return static_cast<std::int32_t>(found->shape[i]); };
    grid.size = {side(0), side(1), side(2)};
    grid.values = found->to_float();
    if (found->dtype == io::DType::u8)
        for (float& v : grid.values) v /= 255.0f;
    for (std::size_t i = 0; i < grid.values.size(); ++i)
        if (!(grid.values[i] >= -1e-3f && grid.values[i] <= 1.001f) && i % 4 == 3)
            fail(ErrorKind::input, "opacity number {} is {:g}, not between 0 and 1", i / 4, grid.values[i]);
    return grid;
}

template <class Grid>
void place(Grid& grid, const RenderVolumeOptions& o) {
    if (o.spacing) grid.spacing = *o.spacing;
    if (o.origin) grid.origin = *o.origin;
}

std::unique_ptr<render::VolumeRenderer> open_volume(const RenderVolumeOptions& o, RenderVolumeResult& result) {
    render::VolumeOptions look;
    look.shade = o.shade, look.step = o.step, look.stop = o.stop;
    io::SceneFile file = io::read_scene_file(o.volume);
    return with_context(o.volume.string(), [&]() -> std::unique_ptr<render::VolumeRenderer> {
        geom::VoxelGrid grid;
        if (auto* arrays = std::get_if<io::TensorFile>(&file.content)) {
            if (auto rgba = rgba_of(*arrays)) {
                rgba->premultiplied = o.premultiplied;
                place(*rgba, o);
                return std::make_unique<render::VolumeRenderer>(*rgba, look);
            }
            grid = io::to_voxel_grid(*arrays);
        } else if (auto* voxels = std::get_if<geom::VoxelGrid>(&file.content)) {
            grid = std::move(*voxels);
        } else {
            fail(ErrorKind::input, "is no volume: NPY [X,Y,Z] or [X,Y,Z,4], binvox or OpenVDB is needed");
        }
        place(grid, o);
        result.range = o.range ? *o.range : render::value_range(grid);
        const auto names = render::TransferFunction::preset_names();
        const bool built_in = std::find(names.begin(), names.end(), o.transfer) != names.end();
        std::error_code ignored;
        const auto transfer =
            built_in || !fs::exists(o.transfer, ignored)
                ? render::TransferFunction::preset(o.transfer, result.range.first, result.range.second)
                : io::read_path(o.transfer,
                                [](std::string_view text) { return render::TransferFunction::parse(text); });
        return std::make_unique<render::VolumeRenderer>(grid, transfer, look);
    });
}

std::vector<View> views_of(const RenderVolumeOptions& o, const geom::Box3d& box) {
    std::vector<View> out;
    if (!o.cameras.empty()) {
        io::SceneOptions options;
        options.require_images = false;
        const io::Scene scene = io::read_scene(o.cameras, options);
        for (const io::SceneView& v : scene.views) out.push_back({scene.cameras[v.camera], v.world_from_camera});
        return out;
    }
    const geom::Camera camera = geom::pinhole_camera(o.width, o.height, o.fov_deg * kRad);
    if (o.eye) {
        const geom::Vec3d target = o.look_at.value_or(box.center());
        if (!(norm(*o.eye - target) > 0)) fail(ErrorKind::usage, "--eye and --look-at are the same point");
        out.push_back({camera, geom::look_at(*o.eye, target, o.up)});
        return out;
    }
    for (const geom::Pose& pose :
         render::orbit(box, camera, o.views, o.up, o.elevation_deg * kRad, o.azimuth_deg * kRad))
        out.push_back({camera, pose});
    return out;
}

geom::Image8 alpha_of(const render::VolumeView& view) {
    geom::Image8 out(view.width, view.height, 1);
    for (std::size_t i = 0; i < view.depth.size(); ++i)
        out.data[i] = static_cast<std::uint8_t>(
            std::lround(std::clamp(static_cast<double>(view.rgba[4 * i + 3]), 0.0, 1.0) * 255));
    return out;
}

void write(PictureFiles& files, const RenderVolumeOptions& o, const render::VolumeView& view, std::size_t index) {
    for (const std::string& what : o.outputs) {
        if (files.exr() && what == "rgb") {
            files.write_exr(index, "", {"R", "G", "B", "A"}, view.width, view.height, view.rgba);
        } else if (what == "rgb") {
            files.write_png(index, "", to_image(view, o.background));
        } else if (what == "depth") {
            files.write_exr(index, "_depth", {"Z"}, view.width, view.height, view.depth);
        } else if (what == "alpha") {
            files.write_png(index, "_alpha", alpha_of(view));
        } else {
            fail(ErrorKind::usage, "--output {} is for radiance fields; a volume has rgb, depth and alpha", what);
        }
    }
}

}  // namespace

RenderVolumeResult render_volume(const RenderVolumeOptions& options, Progress& progress, PhaseTimer& timer) {
    RenderVolumeResult result;
    std::unique_ptr<render::VolumeRenderer> volume;
    std::vector<View> views;
    {
        const auto reading = timer.phase("read");
        volume = open_volume(options, result);
        views = views_of(options, volume->box());
    }
    PictureFiles files(options.out, views.size());
    result.volume_bytes = volume->memory_bytes();
    result.width = views.front().camera.width, result.height = views.front().camera.height;
    progress.begin("render", views.size(), "pictures");
    double seconds = 0;
    for (std::size_t i = 0; i < views.size(); ++i) {
        render::VolumeView view;
        {
            const auto rendering = timer.phase("render");
            const Timer one;
            view = volume->render(views[i].camera, views[i].pose);
            seconds += one.seconds();
        }
        {
            const auto writing = timer.phase("write");
            write(files, options, view, i);
        }
        if (!progress.advance(1)) {
            progress.end();
            fail(ErrorKind::cancelled, "stopped after {} of {} pictures", i + 1, views.size());
        }
    }
    progress.end();
    result.files = files.files();
    result.frames = static_cast<int>(views.size());
    result.seconds_per_frame = seconds / static_cast<double>(views.size());
    return result;
}

}  // namespace nir::pipeline
