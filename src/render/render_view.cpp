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
#include <cmath>
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
};

/// The pixels of one picture.
class TileRenderer {
public:
    TileRenderer(const RadianceField& field, const OccupancyGrid& grid, const ViewRays& view, const FieldFrame& frame,
                 const RenderOptions& options, RenderedView& out)
        : field_(field),
          grid_(grid.view()),
          view_(view),
          frame_(frame),
          options_(options),
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
        for (std::size_t i = 0; i < 3 * n; ++i) w.background.data[i] = options_.background[i % 3];
        const std::size_t samples = w.tracer.size();
        w.weights.grow(samples);
        kernels::composite_forward(w.tracer.first, w.tracer.alpha.first(samples), w.rgb.first(3 * samples),
                                   w.background.first(3 * n), w.weights.first(samples), w.color.first(3 * n),
                                   std::span(out_.alpha).subspan(begin, n));
        for (std::size_t r = 0; r < n; ++r) finish(begin + r, r, w);
    }

private:
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
        float distance = 0;
        for (std::size_t i = w.tracer.first[ray]; i < w.tracer.first[ray + 1]; ++i)
            distance += w.weights.data[i] * w.tracer.t.data[i];
        out_.alpha[pixel] = opacity;
        const float per_length = view_.depth_per_length(pixel) * static_cast<float>(frame_.side);
        out_.depth[pixel] = opacity > 1e-4f ? distance / opacity * per_length : 0;
        for (std::size_t k = 0; k < 3; ++k) out_.rgb[3 * pixel + k] = w.color.data[3 * ray + k];
    }

    const RadianceField& field_;
    kernels::OccupancyView grid_;
    const ViewRays& view_;
    const FieldFrame& frame_;
    const RenderOptions& options_;
    kernels::StepRule rule_;
    RenderedView& out_;
};

std::uint8_t byte(float v) { return static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0f, 1.0f) * 255)); }

}  // namespace

kernels::StepRule MarchOptions::rule(const FieldFrame&) const {
    const double smallest = std::sqrt(3.0) / steps_across;
    return {static_cast<float>(smallest), static_cast<float>(cone), static_cast<float>(std::sqrt(3.0))};
}

geom::Image8 RenderedView::image() const {
    geom::Image8 out(width, height, 3);
    for (std::size_t i = 0; i < rgb.size(); ++i) out.data[i] = byte(rgb[i]);
    return out;
}

RenderedView render_view(const RadianceField& field, const OccupancyGrid& grid, const FieldFrame& frame,
                         const geom::Camera& camera, const geom::Pose& world_from_camera,
                         const RenderOptions& options) {
    const ViewRays view(camera, world_from_camera, frame,
                        std::make_shared<const geom::PixelDirections>(geom::pixel_directions(camera)));
    RenderedView out;
    out.width = camera.width, out.height = camera.height;
    const auto pixels = static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
    out.rgb.resize(3 * pixels), out.alpha.resize(pixels), out.depth.resize(pixels);
    const TileRenderer renderer(field, grid, view, frame, options, out);
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

double psnr(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size() || a.empty())
        fail(ErrorKind::internal, "psnr: pictures of {} and {} values", a.size(), b.size());
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = (static_cast<double>(byte(a[i])) - static_cast<double>(byte(b[i]))) / 255;
        sum += d * d;
    }
    return -10 * std::log10(std::max(sum / static_cast<double>(a.size()), 1e-12));
}

}  // namespace nir::render
