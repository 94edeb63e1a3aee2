// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/radiance_scene.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/parallel.h"
#include "nir/io/scene_check.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nir::pipeline {
namespace {

constexpr std::size_t kFewestToHoldOut = 12;

bool has_transparent_pixels(const geom::Image8& image) {
    if (image.channels != 4) return false;
    for (std::size_t i = 3; i < image.data.size(); i += 4)
        if (image.data[i] == 0) return true;
    return false;
}

/// What the cameras look at and from how far; the box's middle and size where their axes do not meet.
struct Focus {
    geom::Vec3d point{};
    double distance = 1;
};
Focus focus_of(const io::Scene& scene, const geom::Box3d& box) {
    Focus out{box.center(), 0.5 * box.longest_side()};
    if (const auto focus = io::focus_point(scene)) out.point = *focus;
    std::vector<double> distances;
    for (const io::SceneView& v : scene.views) distances.push_back(norm(v.world_from_camera.position - out.point));
    std::nth_element(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2),
                     distances.end());
    if (const double median = distances[distances.size() / 2]; median > 0) out.distance = median;
    return out;
}

geom::Box3d box_of(const RadianceScene& scene, const RadianceDataOptions& options) {
    if (options.box.size() == 6)
        return {{options.box[0], options.box[1], options.box[2]}, {options.box[3], options.box[4], options.box[5]}};
    return io::scene_box(scene.scene).box;
}

/// Cubes in one another around what the cameras look at, where nothing says how far the scene reaches.
render::FieldFrame open_frame(const RadianceScene& scene, const Focus& focus, RadianceFieldOptions& model) {
    const double side = focus.distance;
    double reach = 8 * side;
    if (const auto& points = scene.scene.points.points; points.size() >= 100) {
        std::vector<double> away;
        for (const geom::Vec3d& p : points) {
            const geom::Vec3d d = p - focus.point;
            away.push_back(std::max({std::abs(d.x), std::abs(d.y), std::abs(d.z)}));
        }
        const auto at = away.begin() + static_cast<std::ptrdiff_t>(away.size() * 95 / 100);
        std::nth_element(away.begin(), at, away.end());
        reach = 1.2 * *at;
    }
    if (model.cascades == 0)
        model.cascades = std::clamp(static_cast<int>(std::ceil(std::log2(2 * reach / side))) + 1, 2, 6);
    return {focus.point, side};
}

render::FieldFrame frame_for(const RadianceScene& scene, const RadianceDataOptions& data, const Focus& focus,
                             const geom::Box3d& box, RadianceFieldOptions& model) {
    if (model.cascades == 0 && scene.transparent) model.cascades = 1;
    if (model.cascades == 1) {
        const render::FieldFrame wide = render::frame_of(box);
        const geom::Box3d hull = render::hull_box(scene.train, wide);
        if (hull.empty())
            fail(ErrorKind::input, "no photo shows anything in the box of the scene; data.box sets another");
        return render::frame_of(hull, 0.01);
    }
    const bool given = data.box.size() == 6 || scene.scene.aabb_scale || scene.scene.box;
    if (!given) return open_frame(scene, focus, model);
    if (model.cascades == 0) {
        const double scale = scene.scene.aabb_scale.value_or(4);
        model.cascades = std::clamp(static_cast<int>(std::lround(std::log2(std::max(scale, 1.0)))) + 1, 1, 8);
    }
    render::FieldFrame frame = render::frame_of(box);
    if (data.box.empty() && scene.scene.aabb_scale) frame.side /= static_cast<double>(1 << (model.cascades - 1));
    return frame;
}

}  // namespace

io::SceneOptions scene_options(const RadianceDataOptions& options) {
    io::SceneOptions out;
    out.hold_out = std::max(options.hold_out, 0);
    constexpr std::array kMeanings{io::MaskMeaning::valid, io::MaskMeaning::ignore, io::MaskMeaning::object,
                                   io::MaskMeaning::alpha};
    for (const io::MaskMeaning m : kMeanings)
        if (io::name_of(m) == options.masks) out.mask_meaning = m;
    return out;
}

render::PosedView read_posed_view(const io::Scene& scene, std::size_t view) {
    io::ViewPixels pixels = io::read_view(scene, view);
    return {scene.cameras[scene.views[view].camera], scene.views[view].world_from_camera, std::move(pixels.rgba),
            std::move(pixels.valid)};
}

RadianceScene read_radiance_scene(const RadianceDataOptions& options) {
    RadianceScene out;
    io::SceneOptions how = scene_options(options);
    out.scene = io::read_scene(options.path, how);
    const auto own = [&](io::Split s) { return out.scene.indices(s); };
    if (options.hold_out < 0 && own(io::Split::test).empty() && own(io::Split::val).empty() &&
        own(io::Split::train).size() >= kFewestToHoldOut) {
        how.hold_out = static_cast<int>(out.scene.views.size());
        out.scene = io::read_scene(options.path, how);
    }
    for (const io::Split s : {io::Split::val, io::Split::test, io::Split::train})
        if (out.shown.empty()) out.shown = own(s), out.held_out = s != io::Split::train;
    const std::vector<std::size_t> train = own(io::Split::train);
    if (train.empty()) fail(ErrorKind::input, "{}: the scene has no views to train with", options.path);
    out.train.resize(train.size());
    parallel_for(train.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out.train[i] = read_posed_view(out.scene, train[i]);
    });
    const auto n = std::count_if(out.train.begin(), out.train.end(),
                                 [](const render::PosedView& v) { return has_transparent_pixels(v.rgba); });
    out.transparent = 10 * static_cast<std::size_t>(n) >= 9 * train.size();
    for (const std::string& note : out.scene.notes) log_info("{}: {}", options.path, note);
    return out;
}

RadianceStart start_of(const RadianceScene& scene, RadianceConfig& config) {
    RadianceFieldOptions& model = config.model;
    const geom::Box3d box = box_of(scene, config.data);
    const Focus focus = focus_of(scene.scene, box);
    RadianceStart out{frame_for(scene, config.data, focus, box, model), render::OccupancyGrid(model.cascades)};
    if (out.grid.carve(scene.train, out.frame) == 0)
        fail(ErrorKind::input, "no photo shows anything in the box of the scene; data.box sets another");
    const double pixel = render::pixel_footprint(scene.train, out.frame);
    const double widest = static_cast<double>(1 << (model.cascades - 1));
    if (model.finest_resolution == 0)
        model.finest_resolution =
            std::round(std::max<double>(std::clamp(3 / pixel, 64.0, 8192.0) * widest, model.base_resolution));
    if (model.steps_across == 0)
        model.steps_across = std::round(std::clamp(std::sqrt(3.0) / (0.5 * pixel), 128.0, 4096.0));
    if (model.cone < 0) model.cone = model.cascades == 1 ? 0 : 1.0 / 256;
    if (model.near < 0) model.near = model.cascades == 1 ? 0 : 0.1 * focus.distance;
    return out;
}

render::RadianceFieldConfig field_config(const RadianceFieldOptions& o) {
    render::RadianceFieldConfig out;
    out.grid = {o.levels, o.features, o.log2_entries, o.base_resolution, o.finest_resolution};
    out.hidden = o.hidden, out.cascades = o.cascades;
    return out;
}

render::RadianceTrainerOptions trainer_options(const RadianceConfig& config) {
    const RadianceTrainConfig& t = config.train;
    render::RadianceTrainerOptions out;
    out.march = {config.model.steps_across, config.model.cone, config.model.near};
    out.seed = static_cast<std::uint64_t>(t.seed);
    out.learning_rate = t.lr, out.last_learning_rate = t.lr * t.lr_end, out.decay_from = t.decay_from;
    out.first_batch = std::size_t{1} << t.log2_first_batch, out.last_batch = std::size_t{1} << t.log2_batch;
    out.double_every = static_cast<std::size_t>(t.double_every);
    return out;
}

}  // namespace nir::pipeline
