// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/render_view.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/kernels/composite.h"
#include "nir/kernels/spherical_harmonics.h"

#include "render/ray_source.h"
#include "render/wave_tracer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>

namespace nir::render {
namespace {

constexpr std::size_t kRaysAtOnce = 256;
constexpr std::size_t kDirectionColumn = RadianceField::kDensityOutputs;

/// Memory of one thread, kept from tile to tile.
struct Workspace {
    WaveTracer tracer;
    std::vector<kernels::MarchingRay> rays;
    Buffer hidden, raw, rgb, weights, background, color, harmonics;
    std::vector<float> x, y, z;
    std::vector<float> near_x, near_y, near_z, density;  ///< around the surface, for normals
    std::vector<float> front;                            ///< distance at which a quarter of the opacity is reached
};

/// Corners of a tetrahedron: the cheapest differences in all directions.
constexpr std::array<std::array<float, 3>, 4> kAround{{{1, -1, -1}, {-1, -1, 1}, {-1, 1, -1}, {1, 1, 1}}};
constexpr float kNormalStep = 1.5f;  ///< pixels

/// The pixels of one picture.
class TileRenderer {
public:
    TileRenderer(const RadianceField& field, const OccupancyGrid& grid, const ViewRays& view, const FieldFrame& frame,
                 const RenderOptions& options, float pixel_angle, RenderedView& out)
        : field_(field),
          grid_(grid.view()),
          view_(view),
          frame_(frame),
          options_(options),
          pixel_angle_(pixel_angle),
          rule_(options.march.rule(frame)),
          out_(out) {}

    void render(std::size_t begin, std::size_t end, Workspace& w) const {
        const std::size_t n = end - begin;
        w.rays.clear(), w.x.clear(), w.y.clear(), w.z.clear();
        for (std::size_t p = begin; p < end; ++p) {
            w.rays.push_back(view_.ray(p, grid_, static_cast<float>(options_.march.near / frame_.side)));
            const auto& d = w.rays.back().direction;
            w.x.push_back(d[0]), w.y.push_back(d[1]), w.z.push_back(d[2]);
        }
        w.tracer.trace(field_, grid_, rule_, w.rays, options_.stop_at, false);
        colours(n, w);
        w.background.grow(3 * n), w.color.grow(3 * n);
        backgrounds(n, w);
        const std::size_t samples = w.tracer.size();
        w.weights.grow(samples);
        kernels::composite_forward(w.tracer.first, w.tracer.alpha.first(samples), w.rgb.first(3 * samples),
                                   w.background.first(3 * n), w.weights.first(samples), w.color.first(3 * n),
                                   std::span(out_.alpha).subspan(begin, n));
        w.front.resize(n);
        for (std::size_t r = 0; r < n; ++r) finish(begin + r, r, w);
        if (options_.normals) normals(begin, n, w);
    }

private:
    void backgrounds(std::size_t n, Workspace& w) const {
        const bool environment = options_.environment && !options_.environment->empty();
        for (std::size_t r = 0; r < n; ++r) {
            std::array<float, 3> behind = options_.background;
            if (environment) behind = options_.environment->color(w.rays[r].direction);
            for (std::size_t k = 0; k < 3; ++k)
                w.background.data[3 * r + k] = environment ? behind[k] : behind[k] / options_.gain[k];
        }
    }

    void colours(std::size_t n, Workspace& w) const {
        const std::size_t samples = w.tracer.size(), in = field_.colour_net.in(), out = field_.colour_net.out();
        w.harmonics.grow(n * 16), w.raw.grow(samples * out), w.rgb.grow(3 * samples);
        w.hidden.grow(samples * field_.colour_net.hidden());
        kernels::spherical_harmonics(w.x, w.y, w.z, w.harmonics.data, 16);
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t i = w.tracer.first[r]; i < w.tracer.first[r + 1]; ++i)
                std::copy_n(w.harmonics.data.data() + r * 16, 16,
                            w.tracer.colour_in.data.data() + i * in + kDirectionColumn);
        kernels::mlp_forward(field_.colour_net, field_.colour_packed, samples, w.tracer.colour_in.data.data(), in,
                             w.hidden.data, w.raw.data.data(), out);
        for (std::size_t i = 0; i < samples; ++i)
            for (std::size_t k = 0; k < 3; ++k) w.rgb.data[3 * i + k] = w.raw.data[i * out + k];
        kernels::logistic(w.rgb.first(3 * samples), w.rgb.first(3 * samples));
    }

    /// Colour, opacity and depth of one pixel; out_.alpha holds the transmittance so far.
    void finish(std::size_t pixel, std::size_t ray, Workspace& w) const {
        const float opacity = 1 - out_.alpha[pixel];
        float distance = 0, met = 0;
        w.front[ray] = 0;
        for (std::size_t i = w.tracer.first[ray]; i < w.tracer.first[ray + 1]; ++i) {
            distance += w.weights.data[i] * w.tracer.t.data[i];
            met += w.weights.data[i];
            if (w.front[ray] == 0 && met >= 0.25f * opacity) w.front[ray] = w.tracer.t.data[i];
        }
        out_.alpha[pixel] = opacity;
        const float per_length = view_.depth_per_length(pixel) * static_cast<float>(frame_.side);
        out_.depth[pixel] = opacity > 1e-4f ? distance / opacity * per_length : 0;
        for (std::size_t k = 0; k < 3; ++k) out_.rgb[3 * pixel + k] = options_.gain[k] * w.color.data[3 * ray + k];
    }

    void normals(std::size_t begin, std::size_t n, Workspace& w) const {
        const float shrink = 0.5f / grid_.half_side();  // of the innermost cube in the outermost
        for (auto* v : {&w.near_x, &w.near_y, &w.near_z}) v->clear();
        for (std::size_t r = 0; r < n; ++r) {
            const float t = w.front[r];
            const float step = kNormalStep * t * pixel_angle_;
            for (const auto& corner : kAround) {
                const auto place = [&](std::size_t a) {
                    const float p = w.rays[r].origin[a] + t * w.rays[r].direction[a] + step * corner[a];
                    return (p - 0.5f) * shrink + 0.5f;
                };
                w.near_x.push_back(place(0)), w.near_y.push_back(place(1)), w.near_z.push_back(place(2));
            }
        }
        w.density.resize(4 * n);
        field_.level_values({w.near_x, w.near_y, w.near_z}, w.density);
        for (std::size_t r = 0; r < n; ++r) {
            std::array<float, 3> slope{};
            for (std::size_t k = 0; k < 4; ++k)
                for (std::size_t a = 0; a < 3; ++a) slope[a] -= kAround[k][a] * w.density[4 * r + k];
            const float length = std::sqrt(slope[0] * slope[0] + slope[1] * slope[1] + slope[2] * slope[2]);
            const bool solid = out_.alpha[begin + r] >= 0.5f && length > 0;
            for (std::size_t a = 0; a < 3; ++a) out_.normals[3 * (begin + r) + a] = solid ? slope[a] / length : 0;
        }
    }

    const RadianceField& field_;
    kernels::OccupancyView grid_;
    const ViewRays& view_;
    const FieldFrame& frame_;
    const RenderOptions& options_;
    float pixel_angle_;
    kernels::StepRule rule_;
    RenderedView& out_;
};

std::uint8_t byte(float v) { return static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0f, 1.0f) * 255)); }

}  // namespace

kernels::StepRule MarchOptions::rule(const FieldFrame&) const {
    const double smallest = std::sqrt(3.0) / steps_across;
    return {static_cast<float>(smallest), static_cast<float>(cone), static_cast<float>(std::sqrt(3.0))};
}

geom::Image8 RenderedView::image() const { return to_image(rgb, width, height); }

RenderedView render_view(const RadianceField& field, const OccupancyGrid& grid, const FieldFrame& frame,
                         const geom::Camera& camera, const geom::Pose& world_from_camera,
                         const RenderOptions& options) {
    const ViewRays view(camera, world_from_camera, frame,
                        std::make_shared<const geom::PixelDirections>(geom::pixel_directions(camera)));
    RenderedView out;
    out.width = camera.width, out.height = camera.height;
    const auto pixels = static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
    out.rgb.resize(3 * pixels), out.alpha.resize(pixels), out.depth.resize(pixels);
    if (options.normals) out.normals.resize(3 * pixels);
    const TileRenderer renderer(field, grid, view, frame, options, static_cast<float>(1 / camera.fx), out);
    parallel_for(pixels, 32 * kRaysAtOnce, [&](std::size_t begin, std::size_t end) {
        Workspace workspace;
        for (std::size_t at = begin; at < end; at += kRaysAtOnce)
            renderer.render(at, std::min(end, at + kRaysAtOnce), workspace);
    });
    return out;
}

std::vector<float> on_background(const PosedView& view, const std::array<float, 3>& background) {
    const auto channels = static_cast<std::size_t>(view.rgba.channels);
    const std::size_t pixels = view.rgba.data.size() / channels;
    std::vector<float> out(3 * pixels);
    for (std::size_t i = 0; i < pixels; ++i) {
        const std::uint8_t* p = view.rgba.data.data() + i * channels;
        const float alpha = channels == 4 ? static_cast<float>(p[3]) / 255 : 1.0f;
        for (std::size_t k = 0; k < 3; ++k)
            out[3 * i + k] = static_cast<float>(p[k]) / 255 * alpha + background[k] * (1 - alpha);
    }
    return out;
}

geom::Image8 to_image(const std::vector<float>& rgb, int width, int height) {
    geom::Image8 out(width, height, 3);
    if (out.data.size() != rgb.size())
        fail(ErrorKind::internal, "to_image: {} values for {} x {} pixels", rgb.size(), width, height);
    for (std::size_t i = 0; i < rgb.size(); ++i) out.data[i] = byte(rgb[i]);
    return out;
}

double psnr(const geom::Image8& a, const geom::Image8& b, const std::vector<std::uint8_t>& valid) {
    if (a.data.size() != b.data.size() || a.channels != b.channels || a.data.empty() ||
        (!valid.empty() && valid.size() * static_cast<std::size_t>(a.channels) != a.data.size()))
        fail(ErrorKind::internal, "psnr: pictures of {} and {} values, mask of {}", a.data.size(), b.data.size(),
             valid.size());
    double sum = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < a.data.size(); ++i) {
        if (!valid.empty() && valid[i / static_cast<std::size_t>(a.channels)] == 0) continue;
        const double d = (static_cast<double>(a.data[i]) - static_cast<double>(b.data[i])) / 255;
        sum += d * d, ++n;
    }
    if (n == 0) return std::numeric_limits<double>::quiet_NaN();
    return -10 * std::log10(std::max(sum / static_cast<double>(n), 1e-12));
}

double psnr(const std::vector<float>& a, const std::vector<float>& b, const std::vector<std::uint8_t>& valid) {
    if (a.size() != b.size() || a.empty() || a.size() % 3 != 0)
        fail(ErrorKind::internal, "psnr: pictures of {} and {} values", a.size(), b.size());
    const int pixels = static_cast<int>(a.size() / 3);
    return psnr(to_image(a, pixels, 1), to_image(b, pixels, 1), valid);
}

}  // namespace nir::render
