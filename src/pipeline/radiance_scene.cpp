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
    const bool given = data.box.size() == 6 || scene.scene.aabb_scale || scene.scene.box;
    if (model.cascades == 0 && (scene.transparent || model.shape != "density")) model.cascades = 1;
    if (model.cascades == 0 && given) {
        const double scale = scene.scene.aabb_scale.value_or(4);
        model.cascades = std::clamp(static_cast<int>(std::lround(std::log2(std::max(scale, 1.0)))) + 1, 1, 8);
    }
    if (model.cascades == 1) {
        const render::FieldFrame wide = render::frame_of(box);
        const geom::Box3d hull = render::hull_box(scene.train, wide);
        if (hull.empty())
            fail(ErrorKind::input, "no photo shows anything in the box of the scene; data.box sets another");
        return render::frame_of(hull, 0.01);
    }
    if (!given) return open_frame(scene, focus, model);
    render::FieldFrame frame = render::frame_of(box);
    if (data.box.empty() && scene.scene.aabb_scale) frame.side /= static_cast<double>(1 << (model.cascades - 1));
    return frame;
}

}  // namespace

io::SceneOptions scene_options(const RadianceDataOptions& options) {
    io::SceneOptions out;
    out.hold_out = std::max(options.hold_out, 0);
    out.mask_meaning = io::mask_meaning_of(options.masks);
    return out;
}

render::PosedView read_posed_view(const io::Scene& scene, std::size_t view) {
    io::ViewPixels pixels = io::read_view(scene, view);
    return {scene.cameras[scene.views[view].camera], scene.views[view].world_from_camera, std::move(pixels.rgba),
            std::move(pixels.valid)};
}

io::Scene read_split_scene(const RadianceDataOptions& options) {
    io::SceneOptions how = scene_options(options);
    io::Scene scene = io::read_scene(options.path, how);
    if (options.hold_out >= 0 || scene.count(io::Split::test) + scene.count(io::Split::val) > 0 ||
        scene.views.size() < kFewestToHoldOut)
        return scene;
    how.hold_out = static_cast<int>(scene.views.size());
    return io::read_scene(options.path, how);
}

namespace {

/// Averages of n x n pixels, colours weighted by their opacity; a rest at the right and below is cut off. Three
/// channels where everything is opaque.
render::PosedView shrunk(render::PosedView view, int n) {
    const geom::Image8 in = std::move(view.rgba);
    const int w = in.width / n, h = in.height / n;
    if (w < 1 || h < 1)
        fail(ErrorKind::input, "a photo of {} x {} pixels cannot be shrunk {} times", in.width, in.height, n);
    bool opaque = true;
    for (std::size_t i = 3; in.channels == 4 && i < in.data.size(); i += 4) opaque = opaque && in.data[i] == 255;
    const int channels = opaque ? 3 : 4;
    geom::Image8 out(w, h, channels);
    std::vector<std::uint8_t> valid(view.valid.empty() ? 0 : static_cast<std::size_t>(w) * static_cast<std::size_t>(h),
                                    1);
    for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x) {
            std::array<int, 4> sum{};  // colours times opacity, opacity
            for (int k = 0; k < n * n; ++k) {
                const int column = x * n + k % n, row = y * n + k / n;
                const std::uint8_t* p = in.pixel(column, row);
                const int alpha = in.channels == 4 ? p[3] : 255;
                for (std::size_t c = 0; c < 3; ++c) sum[c] += alpha * p[c];
                sum[3] += alpha;
                if (!valid.empty() && !view.valid[static_cast<std::size_t>(row * in.width + column)])
                    valid[static_cast<std::size_t>(y * w + x)] = 0;
            }
            std::uint8_t* q = out.pixel(x, y);
            for (std::size_t c = 0; c < 3; ++c)
                q[c] = static_cast<std::uint8_t>(sum[3] > 0 ? (sum[c] + sum[3] / 2) / sum[3] : 0);
            if (!opaque) q[3] = static_cast<std::uint8_t>((sum[3] + n * n / 2) / (n * n));
        }
    view.rgba = std::move(out), view.valid = std::move(valid);
    view.camera.width = w, view.camera.height = h;
    view.camera.fx /= n, view.camera.fy /= n, view.camera.cx /= n, view.camera.cy /= n;
    return view;
}

/// What field, optimiser and the gradients of a step take beside the photos.
double bytes_of_training(const RadianceConfig& config) {
    const double entries = std::ldexp(1.0, config.model.log2_entries) * config.model.levels;
    const double samples = std::ldexp(1.0, config.train.log2_batch + 1);
    return entries * (18.0 * config.model.features + 2) +
           samples * (4.0 * config.model.levels * config.model.features + 12) + 256e6;
}

/// The smallest factor at which the photos fit.
int downscale_for(const io::Scene& scene, const RadianceConfig& config, std::uint64_t max_memory) {
    if (config.data.downscale > 0) return config.data.downscale;
    if (max_memory == 0) return 1;
    const double left = static_cast<double>(max_memory) - bytes_of_training(config);
    double pixels = 0;
    for (const std::size_t v : scene.indices(io::Split::train)) {
        const geom::Camera& c = scene.cameras[scene.views[v].camera];
        pixels += static_cast<double>(c.width) * c.height;
    }
    for (int n = 1; n <= 64 && left > 0; ++n)
        if (5 * pixels / (n * n) <= left) return n;  // four channels and a mask
    fail(ErrorKind::usage,
         "--max-memory is too little: field and optimiser take {:.2f} GB (model.log2_entries makes them smaller), the "
         "photos {:.2f} GB",
         bytes_of_training(config) / 1e9, 5 * pixels / 1e9);
}

}  // namespace

RadianceScene read_radiance_scene(RadianceConfig& config, std::uint64_t max_memory) {
    const RadianceDataOptions& options = config.data;
    RadianceScene out;
    out.scene = read_split_scene(options);
    const auto own = [&](io::Split s) { return out.scene.indices(s); };
    for (const io::Split s : {io::Split::val, io::Split::test, io::Split::train})
        if (out.shown.empty()) out.shown = own(s), out.held_out = s != io::Split::train;
    const std::vector<std::size_t> train = own(io::Split::train);
    if (train.empty()) fail(ErrorKind::input, "{}: the scene has no views to train with", options.path);
    const int n = config.data.downscale = downscale_for(out.scene, config, max_memory);
    if (n > 1) log_info("photos are shrunk {} times", n);
    out.train.resize(train.size());
    parallel_for(train.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i)
            out.train[i] = with_context(out.scene.views[train[i]].name,
                                        [&] { return shrunk(read_posed_view(out.scene, train[i]), n); });
    });
    const auto transparent = std::count_if(out.train.begin(), out.train.end(),
                                           [](const render::PosedView& v) { return has_transparent_pixels(v.rgba); });
    out.transparent = 10 * static_cast<std::size_t>(transparent) >= 9 * train.size();
    for (const std::string& note : out.scene.notes) log_info("{}: {}", options.path, note);
    return out;
}

RadianceStart start_of(const RadianceScene& scene, RadianceConfig& config) {
    RadianceFieldOptions& model = config.model;
    const geom::Box3d box = box_of(scene, config.data);
    const Focus focus = focus_of(scene.scene, box);
    RadianceStart out{frame_for(scene, config.data, focus, box, model), render::OccupancyGrid(model.cascades)};
    const bool wide = model.cascades > 1;
    RadianceTrainConfig& train = config.train;
    if (train.background == "auto") train.background = scene.transparent ? "random" : "environment";
    train.distortion = std::max(train.distortion, 0.0), train.fade = std::max(train.fade, 0.0);
    if (train.fewest_views == 0) train.fewest_views = wide && scene.train.size() > 4 ? 2 : 1;
    if (out.grid.carve(scene.train, out.frame, static_cast<std::size_t>(train.fewest_views)) == 0)
        fail(ErrorKind::input, "no photo shows anything in the box of the scene; data.box sets another");
    const double pixel = render::pixel_footprint(scene.train, out.frame);
    const double widest = static_cast<double>(1 << (model.cascades - 1));
    if (model.finest_resolution == 0)
        model.finest_resolution =
            std::round(std::max<double>(std::clamp(3 / pixel, 64.0, 8192.0) * widest, model.base_resolution));
    if (model.steps_across == 0)
        model.steps_across = std::round(std::clamp(std::sqrt(3.0) / (0.5 * pixel), 128.0, 4096.0));
    if (train.sharpness == 0) train.sharpness = std::round(std::max(2 * model.steps_across / std::sqrt(3.0), 40.0));
    if (model.cone < 0) model.cone = wide ? 1.0 / 256 : 0;
    if (model.near < 0) model.near = wide ? 0.1 * focus.distance : 0;
    return out;
}

render::RadianceFieldConfig field_config(const RadianceFieldOptions& o) {
    render::RadianceFieldConfig out;
    out.grid = {o.levels, o.features, o.log2_entries, o.base_resolution, o.finest_resolution};
    out.hidden = o.hidden, out.cascades = o.cascades;
    if (o.shape == "distance") out.shape = render::FieldShape::distance;
    if (o.shape == "occupancy") out.shape = render::FieldShape::occupancy;
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
    out.environment = t.background == "environment";
    if (t.background == "white") out.background = std::array<float, 3>{1, 1, 1};
    if (t.background == "black") out.background = std::array<float, 3>{0, 0, 0};
    out.linear_blend = t.blend == "linear", out.exposure = t.exposure, out.poses = t.poses;
    out.distortion = t.distortion, out.fade = t.fade;
    out.last_sharpness = t.sharpness, out.eikonal = t.eikonal, out.smoothness = t.smoothness;
    return out;
}

}  // namespace nir::pipeline
