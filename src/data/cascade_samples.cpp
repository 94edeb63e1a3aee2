// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/cascade_samples.h"

#include "nir/base/splitmix.h"
#include "nir/data/room_generator.h"
#include "nir/data/sample_stream.h"
#include "nir/kernels/splat.h"

#include "data/sample_rng.h"

#include <algorithm>
#include <cmath>

namespace nir::data {

void CascadeDataConfig::describe(ConfigVisitor& v) {
    v.field("cells", cells, {.min = 16, .max = 64, .unit = "cells"},
            "side of the coarse grid and of every finer window");
    v.field("octaves", octaves, {.min = 0, .max = 4}, "finer windows per sample, at most");
    v.field("queries", queries, {.min = 16, .max = 100000, .unit = "points"}, "labelled points per octave");
    v.field("max_spacing_cells", max_spacing_cells, {.min = 0.1, .max = 8, .unit = "cells"},
            "an octave is trained while the point spacing stays below this");
    v.field("label_softness", label_softness, {.min = 0.001, .max = 2, .unit = "cells"},
            "width of the sigmoid of the occupancy labels");
    v.field("min_points", min_points, {.min = 16, .unit = "points"}, "smallest scans");
    v.field("max_points", max_points, {.min = 16, .max = 1000000, .unit = "points"}, "largest scans");
    v.field("max_noise_spacings", max_noise_spacings, {.min = 0, .max = 3, .unit = "point spacings"},
            "largest standard deviation of the noise");
    v.check(max_points >= min_points, "max_points", "must be at least min_points");
    v.check(cells % 8 == 0, "cells", "must be a multiple of 8");
    v.field("views_share", views_share, {.min = 0, .max = 1}, "share of scans seen by simulated depth cameras");
    v.field("rooms", rooms, {.min = 0, .max = 1},
            "share of rooms with walls and objects, mostly scanned from inside by LiDAR or depth cameras");
}

namespace {

/// The box of a window: cell (0,0,0) starts at `origin`, cells are `cell` wide.
struct Window {
    Vec3f origin{};
    float cell = 1;
    int cells = 32;
    Vec3f to_cells(Vec3f p) const { return (p - origin) / cell; }
    bool holds(Vec3f p, float margin) const {
        const Vec3f q = to_cells(p);
        const float hi = static_cast<float>(cells) - margin;
        return q.x >= margin && q.y >= margin && q.z >= margin && q.x <= hi && q.y <= hi && q.z <= hi;
    }
};

Vec3f gauss(Rng& rng, float sigma) {
    return Vec3f{static_cast<float>(rng.normal()), static_cast<float>(rng.normal()), static_cast<float>(rng.normal())} *
           sigma;
}

void add_queries(OctaveSample& out, const CascadeDataConfig& config, const GeneratedShape& shape, const Window& w,
                 bool coarse, Rng& rng) {
    const float margin = coarse ? 0.0f : 3.0f;
    std::vector<Vec3f> near, q;
    for (const auto& p : shape.surface)
        if (w.holds(p, margin)) near.push_back(p);
    const double uniform_share = coarse ? 0.4 : 0.25;
    while (q.size() < static_cast<std::size_t>(config.queries)) {
        Vec3f p;
        if (near.empty() || rng.coin(uniform_share)) {
            const double lo = margin, hi = static_cast<double>(w.cells) - margin;
            p = w.origin + Vec3f{static_cast<float>(rng.uniform(lo, hi)), static_cast<float>(rng.uniform(lo, hi)),
                                 static_cast<float>(rng.uniform(lo, hi))} *
                               w.cell;
        } else {
            static constexpr float kSigma[4] = {0.15f, 0.4f, 0.8f, 2.0f};
            p = near[rng.below(near.size())] + gauss(rng, kSigma[rng.below(4)] * w.cell);
            if (!w.holds(p, margin)) continue;
        }
        q.push_back(p);
    }
    std::vector<float> d(q.size());
    signed_distances(*shape.solid, q, 0.1f * w.cell, d);
    const float softness = static_cast<float>(config.label_softness) * w.cell;
    for (std::size_t i = 0; i < q.size(); ++i) {
        const Vec3f c = w.to_cells(q[i]);
        out.queries.insert(out.queries.end(), {c.x, c.y, c.z});
        out.occupancy.push_back(1.0f / (1.0f + std::exp(std::clamp(d[i] / softness, -30.0f, 30.0f))));
        out.inside.push_back(d[i] < 0);
    }
}

void add_moments(OctaveSample& out, const SimulatedScan& scan, const Window& w, bool coarse) {
    out.points.reserve(scan.points.size() * 3);
    for (const auto& p : scan.points) {
        if (!coarse && !w.holds(p, -1.0f)) continue;
        const Vec3f c = w.to_cells(p);
        out.points.insert(out.points.end(), {c.x, c.y, c.z});
    }
    const kernels::GridSize size{w.cells, w.cells, w.cells};
    const auto n = static_cast<std::size_t>(size.cells());
    out.moments.resize(kernels::kSplatChannels * n);
    kernels::splat_moments(out.points, size, out.moments);
    if (!coarse) return;
    std::vector<float> weight(n), scratch(2 * n);
    for (std::size_t i = 0; i < n; ++i) weight[i] = std::expm1(out.moments[i]);
    out.openness.resize(kernels::kOpennessChannels * n);
    kernels::openness(weight, size, scratch, out.openness);
}

}  // namespace

ScanOptions draw_scan_options(const CascadeDataConfig& config, Rng& rng) {
    ScanOptions scan_options;
    scan_options.min_points = static_cast<std::size_t>(config.min_points);
    const double most = config.min_points *
                        std::pow(static_cast<double>(config.max_points) / config.min_points, std::sqrt(rng.uniform()));
    scan_options.max_points = static_cast<std::size_t>(most);
    scan_options.min_points = std::max<std::size_t>(scan_options.min_points, scan_options.max_points / 2);
    scan_options.max_noise_spacings = config.max_noise_spacings;
    scan_options.views_share = config.views_share;
    return scan_options;
}

GeneratedShape draw_shape(const CascadeDataConfig& config, Rng& rng, std::size_t n_surface) {
    if (config.rooms > 0) {
        Rng own(splitmix64(rng.state()[0]) ^ rng.state()[2]);
        if (own.coin(config.rooms)) return generate_room({}, own, n_surface);
    }
    return generate_shape(rng, n_surface);
}

CascadeSample make_cascade_sample(const CascadeDataConfig& config, Rng rng) {
    const ScanOptions scan_options = draw_scan_options(config, rng);
    const GeneratedShape shape = draw_shape(config, rng, std::max<std::size_t>(scan_options.max_points, 4000));
    const SimulatedScan scan = simulate_scan(shape, scan_options, rng);

    CascadeSample sample;
    sample.family = shape.family;
    geom::Box3f box;
    for (const auto& p : scan.points) box.extend(p);
    Window w;
    w.cells = config.cells;
    w.cell = box.longest_side() / (static_cast<float>(config.cells) - 2 * static_cast<float>(rng.uniform(2.0, 4.0)));
    const float half = 0.5f * static_cast<float>(config.cells) * w.cell;
    w.origin = box.center() - Vec3f{half, half, half};
    sample.spacing_cells = scan.spacing / w.cell;

    sample.octaves.emplace_back();
    add_moments(sample.octaves[0], scan, w, true);
    add_queries(sample.octaves[0], config, shape, w, true, rng);
    for (int octave = 1; octave <= config.octaves; ++octave) {
        const float cell = w.cell / 2;
        if (scan.spacing > static_cast<float>(config.max_spacing_cells) * cell) break;
        // The child covers cells/2 parent cells per side around a surface point; below the first octave it keeps off
        // the border of its parent, where the parent's features lack context.
        const int room = octave == 1 ? 0 : 4, last = config.cells / 2 - room;
        Vec3f focus{};
        bool found = false;
        for (int attempt = 0; attempt < 200 && !found; ++attempt) {
            focus = shape.surface[rng.below(shape.surface.size())];
            found = w.holds(focus, static_cast<float>(room) + 2);
        }
        if (!found) break;
        OctaveSample next;
        const Vec3f c = w.to_cells(focus);
        for (int axis = 0; axis < 3; ++axis) {
            const double wanted = c[axis] - config.cells / 4.0 + rng.uniform(-4, 4);
            next.offset[static_cast<std::size_t>(axis)] = std::clamp(static_cast<int>(std::lround(wanted)), room, last);
        }
        Window child{w.origin + Vec3f{static_cast<float>(next.offset[0]), static_cast<float>(next.offset[1]),
                                      static_cast<float>(next.offset[2])} *
                                    w.cell,
                     cell, config.cells};
        add_moments(next, scan, child, false);
        add_queries(next, config, shape, child, false, rng);
        sample.octaves.push_back(std::move(next));
        w = child;
    }
    return sample;
}

struct CascadeSampleStream::Impl {
    Impl(const CascadeDataConfig& config, std::uint64_t seed, std::uint64_t first, int workers)
        : samples([config, seed](std::uint64_t i) { return make_cascade_sample(config, training_rng(seed, i)); }, first,
                  workers) {}
    SampleStream<CascadeSample> samples;
};

CascadeSampleStream::CascadeSampleStream(const CascadeDataConfig& config, std::uint64_t seed, std::uint64_t first,
                                         int workers)
    : impl_(std::make_unique<Impl>(config, seed, first, workers)) {}

CascadeSampleStream::~CascadeSampleStream() = default;
CascadeSample CascadeSampleStream::next() { return impl_->samples.next(); }
std::uint64_t CascadeSampleStream::position() const { return impl_->samples.position(); }

}  // namespace nir::data
