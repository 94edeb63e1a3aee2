// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/models/sliding_window.h"

#include "nir/base/error.h"
#include "nir/extract/marching_cubes.h"
#include "nir/extract/mise.h"

#include "models/conv_onet/crop_field.h"

#include <algorithm>

namespace nir::models {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

namespace {

/// Asks one box after the other; remembers how many points each call had.
class BoxSampler {
public:
    BoxSampler(const CropField& field, const SlidingWindowOptions& options, double level)
        : field_(field), options_(options), level_(level), samples_(options.resolution_0 << options.upsampling) {}

    int samples() const { return samples_; }
    std::vector<std::size_t> calls;

    /// Samples [r][r][r] of a box, upper faces excluded.
    std::vector<float> sample(Vec3i box) {
        if (options_.upsampling > 0) return sample_near_surface(box);
        std::vector<Vec3i> index;
        index.reserve(static_cast<std::size_t>(samples_) * static_cast<std::size_t>(samples_) *
                      static_cast<std::size_t>(samples_));
        for (int x = 0; x < samples_; ++x)
            for (int y = 0; y < samples_; ++y)
                for (int z = 0; z < samples_; ++z) index.push_back({x, y, z});
        return ask(box, index);
    }

private:
    std::vector<float> ask(Vec3i box, std::span<const Vec3i> index) {
        const Vec3d lower = field_.layout().query_lower(box);
        const double side = field_.layout().query_side;
        std::vector<Vec3f> points;
        points.reserve(index.size());
        for (const Vec3i& i : index) points.push_back(Vec3f(lower + Vec3d(i) * (side / samples_)));
        std::vector<float> values(points.size());
        field_.crop_values(box, points, values);
        calls.push_back(points.size());
        return values;
    }

    std::vector<float> sample_near_surface(Vec3i box) {
        const int n = options_.resolution_0;
        extract::Mise<float> mise({{n, n, n}, options_.upsampling, level_});
        while (!mise.done()) {
            const std::vector<Vec3i> index(mise.query().begin(), mise.query().end());
            mise.update(ask(box, index));
        }
        const std::vector<float> all = mise.to_dense();
        std::vector<float> out;
        const auto r = static_cast<std::size_t>(samples_), wide = r + 1;
        out.reserve(r * r * r);
        for (std::size_t x = 0; x < r; ++x)
            for (std::size_t y = 0; y < r; ++y) {
                const auto row = all.begin() + static_cast<std::ptrdiff_t>((x * wide + y) * wide);
                out.insert(out.end(), row, row + samples_);
            }
        return out;
    }

    const CropField& field_;
    SlidingWindowOptions options_;
    double level_;
    int samples_;
};

void check_options(const SlidingWindowOptions& o, Vec3i boxes) {
    if (o.resolution_0 < 1 || o.resolution_0 > 512 || o.upsampling < 0 || o.upsampling > 6)
        fail(ErrorKind::config, "resolution_0 = {} (1..512) and upsampling = {} (0..6) make no lattice", o.resolution_0,
             o.upsampling);
    const double side = static_cast<double>(o.resolution_0) * (1 << o.upsampling);
    if (side * std::max({boxes.x, boxes.y, boxes.z}) > 32767)
        fail(ErrorKind::config, "{} boxes of {} samples are more than 32767 along a side",
             std::max({boxes.x, boxes.y, boxes.z}), side);
}

/// Copies the samples of a box to their place in the grid.
void place(const std::vector<float>& values, Vec3i box, int r, geom::VoxelGrid& grid) {
    const auto n = static_cast<std::size_t>(r);
    for (int x = 0; x < r; ++x)
        for (int y = 0; y < r; ++y) {
            const auto from = values.begin() + (static_cast<std::ptrdiff_t>(x) * r + y) * r;
            const std::size_t to = grid.index(box.x * r + x, box.y * r + y, box.z * r);
            std::copy_n(from, n, grid.values.begin() + static_cast<std::ptrdiff_t>(to));
        }
}

}  // namespace

SlidingWindowResult sliding_window(Model& model, const Observation& observation, const SlidingWindowOptions& options,
                                   Progress& progress) {
    const auto shape = infer_field(model, observation);
    const auto* field = dynamic_cast<const CropField*>(shape.get());
    if (!field) fail(ErrorKind::usage, "model \"{}\" does not slide a window over a scan", model.name());
    SlidingWindowResult out;
    out.boxes = field->layout().n;
    check_options(options, out.boxes);
    out.level = options.level.value_or(static_cast<double>(field->iso()));

    BoxSampler sampler(*field, options, out.level);
    const int r = sampler.samples();
    const double step = field->layout().query_side / r;
    out.grid.size = {out.boxes.x * r, out.boxes.y * r, out.boxes.z * r};
    out.grid.origin = field->layout().lower;
    out.grid.spacing = {step, step, step};
    out.grid.values.resize(static_cast<std::size_t>(out.grid.size.x) * static_cast<std::size_t>(out.grid.size.y) *
                           static_cast<std::size_t>(out.grid.size.z));
    progress.begin("query", static_cast<std::uint64_t>(field->layout().count()), "boxes");
    for (int x = 0; x < out.boxes.x; ++x)
        for (int y = 0; y < out.boxes.y; ++y)
            for (int z = 0; z < out.boxes.z; ++z) {
                place(sampler.sample({x, y, z}), {x, y, z}, r, out.grid);
                if (!progress.advance()) fail(ErrorKind::cancelled, "stopped; nothing was written");
            }
    progress.end();
    out.calls = std::move(sampler.calls);

    extract::MarchingCubesOptions mc;
    mc.level = out.level, mc.pad_value = -1e6, mc.clamp = 0;
    mc.origin = out.grid.origin, mc.spacing = out.grid.spacing;
    out.mesh = extract::marching_cubes(std::span<const float>(out.grid.values), out.grid.size, mc).mesh;
    return out;
}

}  // namespace nir::models
