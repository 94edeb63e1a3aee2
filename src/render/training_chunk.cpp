// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "render/training_chunk.h"

#include "nir/base/error.h"
#include "nir/kernels/composite.h"
#include "nir/kernels/spherical_harmonics.h"

#include <algorithm>

namespace nir::render {
namespace {

constexpr std::size_t kDirectionColumn = RadianceField::kDensityOutputs;

void check(const PosedView& view) {
    const auto pixels = static_cast<std::size_t>(view.camera.width) * static_cast<std::size_t>(view.camera.height);
    if (view.rgba.width != view.camera.width || view.rgba.height != view.camera.height)
        fail(ErrorKind::input, "a photo of {} x {} pixels has a camera of {} x {}", view.rgba.width, view.rgba.height,
             view.camera.width, view.camera.height);
    if (view.rgba.channels < 3)
        fail(ErrorKind::input, "photos need three or four channels, not {}", view.rgba.channels);
    if (!view.valid.empty() && view.valid.size() != pixels)
        fail(ErrorKind::input, "a mask of {} pixels belongs to a photo of {}", view.valid.size(), pixels);
}

std::vector<geom::Pose> poses_of(const std::vector<PosedView>& views) {
    std::vector<geom::Pose> out;
    for (const PosedView& view : views) out.push_back(view.world_from_camera);
    return out;
}

constexpr int kEnvironmentWidth = 128, kEnvironmentHeight = 64;

/// Colours in linear light of all bytes.
const std::array<float, 256>& linear_bytes() {
    static const std::array<float, 256> table = [] {
        std::array<float, 256> out{};
        for (std::size_t i = 0; i < 256; ++i) out[i] = linear_from_srgb(static_cast<float>(i) / 255);
        return out;
    }();
    return table;
}

/// A pixel with opacity `alpha` on a background.
float laid_over(std::uint8_t byte, float alpha, float behind, bool linear) {
    if (!linear || alpha <= 0 || alpha >= 1) return static_cast<float>(byte) / 255 * alpha + behind * (1 - alpha);
    return srgb_from_linear(linear_bytes()[byte] * alpha + linear_from_srgb(behind) * (1 - alpha));
}

}  // namespace

TrainingScene::TrainingScene(const RadianceField& f, const std::vector<PosedView>& v, const FieldFrame& fr,
                             const RadianceTrainerOptions& o)
    : field(f), views(v), frame(fr), options(o), rule(o.march.rule(fr)), corrections(poses_of(v)) {
    if (views.empty()) fail(ErrorKind::input, "a radiance field needs at least one photo");
    std::vector<std::pair<geom::Camera, std::shared_ptr<const geom::PixelDirections>>> known;
    for (const PosedView& view : views) {
        check(view);
        auto it = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.first == view.camera; });
        if (it == known.end()) {
            known.emplace_back(view.camera,
                               std::make_shared<const geom::PixelDirections>(geom::pixel_directions(view.camera)));
            it = known.end() - 1;
        }
        directions_.push_back(it->second);
        rays.emplace_back(view.camera, view.world_from_camera, frame, it->second);
    }
    if (field.has_surface() && (options.poses || options.distortion > 0))
        fail(ErrorKind::config, "poses and distortion are for densities, not for fields with a surface");
    gains.assign(views.size(), {1, 1, 1});
    if (options.environment) environment = EnvironmentMap(kEnvironmentWidth, kEnvironmentHeight);
    const float diagonal = std::sqrt(3.0f) * static_cast<float>(1 << (field.config.cascades - 1));
    reach = std::max(rule.number_of(2 * diagonal), 1.0f);
}

void TrainingScene::follow_corrections() {
    for (std::size_t v = 0; v < views.size(); ++v) {
        if (options.exposure) gains[v] = corrections.gain(v);
        if (options.poses) rays[v] = ViewRays(views[v].camera, corrections.pose(v), frame, directions_[v]);
    }
}

void GroupGradients::clear(const TrainingScene& scene) {
    const RadianceField& field = scene.field;
    gains.assign(scene.options.exposure ? 6 * scene.views.size() : 0, 0.0f);
    poses.assign(scene.options.poses ? 6 * scene.views.size() : 0, 0.0f);
    environment.assign(scene.environment.raw.size(), 0.0f);
    density.assign(field.density_weights.size(), 0.0f);
    colour.assign(field.colour_weights.size(), 0.0f);
    x.clear(), y.clear(), z.clear();
    by_level.resize(field.grid.levels.size());
    for (auto& level : by_level) level.clear();
    evaluated = trained = 0;
    loss = squared_error = 0;
}

void TrainingChunk::draw(const TrainingScene& scene, const kernels::OccupancyView& grid, std::uint64_t step,
                         std::size_t rays, std::size_t begin, std::size_t end) {
    const auto& options = scene.options;
    const std::size_t n = end - begin;
    rays_.clear();
    target_.resize(3 * n), background_.resize(3 * n), counts_.resize(n), view_.resize(n), clear_.resize(n);
    for (auto& d : direction_) d.resize(n);
    for (std::size_t r = 0; r < n; ++r) {
        RayRandom random(options.seed, step, begin + r);
        // Views in turn, so that every one has its share of a step.
        const std::size_t v = (begin + r) * scene.views.size() / rays;
        const PosedView& view = scene.views[v];
        view_[r] = static_cast<std::uint32_t>(v);
        const auto width = static_cast<std::size_t>(view.rgba.width),
                   height = static_cast<std::size_t>(view.rgba.height);
        const auto pick = [&](std::size_t size) {
            return std::min(size - 1, static_cast<std::size_t>(random.uniform() * static_cast<float>(size)));
        };
        const std::size_t column = pick(width), pixel = pick(height) * width + column;
        kernels::MarchingRay ray =
            scene.rays[v].ray(pixel, grid, static_cast<float>(options.march.near / scene.frame.side));
        ray.t += random.uniform() * scene.rule.step(ray.t);
        counts_[r] = view.valid.empty() || view.valid[pixel];
        if (!counts_[r]) ray.end = ray.t;
        const auto channels = static_cast<std::size_t>(view.rgba.channels);
        const std::uint8_t* p = view.rgba.data.data() + pixel * channels;
        const float alpha = channels == 4 ? static_cast<float>(p[3]) / 255 : 1.0f;
        clear_[r] = 1 - alpha;
        std::array<float, 3> far{};
        if (!scene.environment.empty()) far = scene.environment.color(ray.direction);
        for (std::size_t k = 0; k < 3; ++k) {
            const float behind = !scene.environment.empty() ? far[k]
                                 : options.background       ? (*options.background)[k]
                                                            : random.uniform();
            // The gain is of what the scene shows; a background of ours is seen as it is.
            background_[3 * r + k] = scene.environment.empty() ? behind / scene.gains[v][k] : behind;
            target_[3 * r + k] = laid_over(p[k], alpha, behind, options.linear_blend);
            direction_[k][r] = ray.direction[k];
        }
        rays_.push_back(ray);
    }
}

void TrainingChunk::forward(const TrainingScene& scene) {
    const RadianceField& field = scene.field;
    const std::size_t n = rays_.size(), samples = tracer_.size(), in = field.colour_net.in(),
                      out = field.colour_net.out();
    harmonics_.grow(n * 16), hidden_.grow(samples * field.colour_net.hidden()), raw_.grow(samples * out);
    rgb_.grow(3 * samples), weights_.grow(samples);
    kernels::spherical_harmonics(direction_[0], direction_[1], direction_[2], harmonics_.data, 16);
    for (std::size_t r = 0; r < n; ++r)
        for (std::size_t i = tracer_.first[r]; i < tracer_.first[r + 1]; ++i)
            std::copy_n(harmonics_.data.data() + r * 16, 16, tracer_.colour_in.data.data() + i * in + kDirectionColumn);
    kernels::mlp_forward(field.colour_net, field.colour_packed, samples, tracer_.colour_in.data.data(), in,
                         hidden_.first(samples * field.colour_net.hidden()), raw_.data.data(), out);
    for (std::size_t i = 0; i < samples; ++i)
        for (std::size_t k = 0; k < 3; ++k) rgb_.data[3 * i + k] = raw_.data[i * out + k];
    kernels::logistic(rgb_.first(3 * samples), rgb_.first(3 * samples));
    color_.resize(3 * n), through_.resize(n);
    kernels::composite_forward(tracer_.first, tracer_.alpha.first(samples), rgb_.first(3 * samples), background_,
                               weights_.first(samples), color_, through_);
}

void TrainingChunk::loss(const TrainingScene& scene, std::size_t rays, GroupGradients& out) {
    slope_.resize(color_.size()), bend_.resize(color_.size());
    const float share = 1.0f / static_cast<float>(rays);
    for (std::size_t i = 0; i < color_.size(); ++i) {
        const float gain = scene.gains[view_[i / 3]][i % 3], shown = gain * color_[i];
        // A photo shows nothing brighter than white.
        const bool blown_out = scene.options.exposure && target_[i] >= 1 && shown > 1;
        const float difference = counts_[i / 3] && !blown_out ? shown - target_[i] : 0.0f;
        const kernels::Huber huber = kernels::huber(difference);
        slope_[i] = gain * huber.slope * share;
        const bool counts = counts_[i / 3] && !blown_out;
        bend_[i] = !counts ? 0 : share * (std::abs(difference) > 1e-6f ? huber.slope / difference : 2);
        out.loss += static_cast<double>(huber.loss);
        out.squared_error += static_cast<double>(difference) * static_cast<double>(difference);
    }
}

/// The density network's and the grid's share, given the derivative by the network's outputs [rows at stride].
void TrainingChunk::density_backward(const TrainingScene& scene, const kernels::PointArrays& points, float* encoded,
                                     std::span<float> hidden, const float* slopes, std::size_t stride,
                                     GroupGradients& out) {
    const RadianceField& field = scene.field;
    const std::size_t samples = points.size(), width = field.grid.width();
    d_encoded_.grow(samples * width);
    kernels::mlp_backward(field.density_net, field.density_weights, samples, encoded, width, hidden, slopes, stride,
                          d_encoded_.data.data(), width, out.density, scratch_.data);
    out.x.insert(out.x.end(), points.x.begin(), points.x.end());
    out.y.insert(out.y.end(), points.y.begin(), points.y.end());
    out.z.insert(out.z.end(), points.z.begin(), points.z.end());
    const auto features = static_cast<std::size_t>(field.grid.features);
    for (std::size_t l = 0; l < out.by_level.size(); ++l) {
        auto& level = out.by_level[l];
        const std::size_t from = level.size();
        level.resize(from + samples * features);
        for (std::size_t i = 0; i < samples; ++i)
            std::copy_n(d_encoded_.data.data() + i * width + l * features, features,
                        level.data() + from + i * features);
    }
}

void TrainingChunk::backward(const TrainingScene& scene, std::size_t rays, GroupGradients& out) {
    const RadianceField& field = scene.field;
    const std::size_t samples = tracer_.size(), in = field.colour_net.in(), n_out = field.colour_net.out();
    // Columns 3 to 15 of d_raw_ are written by nobody: they stay zero.
    d_raw_.grow(samples * n_out), d_density_.grow(samples), d_in_.grow(samples * in);
    scratch_.grow(2 * kernels::kMlpRows * std::max(field.colour_net.widest(), field.density_net.widest()));
    kernels::CompositeBackward composite{tracer_.colour_in.first(samples * in),
                                         in,
                                         tracer_.dt.first(samples),
                                         weights_.first(samples),
                                         tracer_.alpha.first(samples),
                                         rgb_.first(3 * samples),
                                         color_,
                                         slope_,
                                         d_raw_.data,
                                         n_out,
                                         d_density_.first(samples)};
    if (field.has_surface()) {  // a density of 1 and steps of 1: dL/dthickness
        std::fill_n(ones_.grow(samples), samples, 1.0f);
        zeros_.grow(samples);  // nobody writes them
        composite.log_density = zeros_.first(samples), composite.log_density_stride = 1;
        composite.dt = ones_.first(samples);
    }
    kernels::composite_backward(tracer_.first, composite);
    if (scene.options.distortion > 0) distortion(scene, rays, out);
    if (scene.options.fade > 0) fade(scene);
    if (field.has_surface()) thickness_to_raw(scene);
    gradients_of_photos(scene, out);
    kernels::mlp_backward(field.colour_net, field.colour_weights, samples, tracer_.colour_in.data.data(), in,
                          hidden_.first(samples * field.colour_net.hidden()), d_raw_.data.data(), n_out,
                          d_in_.data.data(), in, out.colour, scratch_.data);
    for (std::size_t i = 0; i < samples; ++i) d_in_.data[i * in] += d_density_.data[i];
    density_backward(scene, {tracer_.x.first(samples), tracer_.y.first(samples), tracer_.z.first(samples)},
                     tracer_.encoded.data.data(), tracer_.hidden.first(samples * field.density_net.hidden()),
                     d_in_.data.data(), in, out);
}

void TrainingChunk::run(const TrainingScene& scene, const kernels::OccupancyView& grid, std::uint64_t step,
                        std::size_t rays, std::size_t begin, std::size_t end, GroupGradients& out) {
    draw(scene, grid, step, rays, begin, end);
    tracer_.trace(scene.field, grid, scene.rule, rays_, scene.options.stop_at, true);
    out.evaluated += tracer_.evaluated;
    out.trained += tracer_.size();
    forward(scene);
    loss(scene, rays, out);
    backward(scene, rays, out);
    if (scene.options.poses) gradients_of_poses(scene, step, begin, out);
    if (scene.field.has_surface()) surface_terms(scene, step, begin, rays, out);
}

}  // namespace nir::render
