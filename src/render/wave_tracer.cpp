// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "render/wave_tracer.h"

#include "nir/kernels/composite.h"
#include "nir/kernels/surface_opacity.h"

#include <algorithm>

namespace nir::render {
namespace {

/// Samples a ray takes in the first wave and in those behind it: surfaces end most rays early.
constexpr std::size_t kFirstWave = 8, kOtherWaves = 16;
constexpr std::size_t kOut = RadianceField::kDensityOutputs;

}  // namespace

void WaveTracer::evaluate(const RadianceField& field, std::size_t begin, std::size_t end) {
    const std::size_t n = end - begin, width = field.grid.width(), n_hidden = field.density_net.hidden();
    if (n == 0) return;
    float* encoding = raw_encoded_.grow(end * width) + begin * width;
    float* activations = raw_hidden_.grow(end * n_hidden) + begin * n_hidden;
    float* out = raw_out_.grow(end * kOut) + begin * kOut;
    const kernels::PointArrays points{
        {raw_x_.data.data() + begin, n}, {raw_y_.data.data() + begin, n}, {raw_z_.data.data() + begin, n}};
    kernels::hash_grid_forward(field.grid, points, field.half_table, {encoding, n * width}, width);
    kernels::mlp_forward(field.density_net, field.density_packed, n, encoding, width, {activations, n * n_hidden}, out,
                         kOut);
}

void WaveTracer::opacities(const RadianceField& field, std::size_t from, std::size_t begin, std::size_t end) {
    const std::size_t n = end - begin;
    if (n == 0) return;
    raw_alpha_.grow(end), raw_value_.grow(end);
    const std::span<float> opacity = std::span(raw_alpha_.data).subspan(begin, n);
    if (!field.has_surface()) {
        kernels::density_to_alpha(std::span(raw_out_.data).subspan(begin * kOut, n * kOut), kOut,
                                  std::span(raw_dt_.data).subspan(begin, n), opacity);
        return;
    }
    const bool distance = field.config.shape == FieldShape::distance;
    for (std::size_t i = begin; i < end; ++i) {
        const float value = field.level_value(raw_x_.data[i], raw_y_.data[i], raw_z_.data[i], raw_out_.data[i * kOut]);
        raw_value_.data[i] = distance ? -value : value;
    }
    const std::span<const float> values = std::span(raw_value_.data).subspan(begin, n);
    if (!distance) {
        kernels::occupancy_to_alpha(values, opacity);
        return;
    }
    for (std::size_t s = from; s < segments_.size(); ++s) {
        const Segment& segment = segments_[s];
        kernels::distance_to_alpha(values.subspan(segment.begin - begin, segment.count), field.sharpness,
                                   before_[segment.ray], opacity.subspan(segment.begin - begin, segment.count));
    }
}

void WaveTracer::trace(const RadianceField& field, const kernels::OccupancyView& grid, const kernels::StepRule& rule,
                       std::vector<kernels::MarchingRay>& rays, float stop_at, bool for_training) {
    segments_.clear();
    alive_.clear();
    through_.assign(rays.size(), 1.0f);
    before_.assign(rays.size(), 0.0f);
    first.assign(rays.size() + 1, 0);
    for (std::uint32_t r = 0; r < rays.size(); ++r)
        if (rays[r].t < rays[r].end) alive_.push_back(r);
    std::size_t total = 0, wave = kFirstWave;
    while (!alive_.empty()) {
        const std::size_t begin = total, from = segments_.size(), most = total + alive_.size() * wave;
        raw_x_.grow(most), raw_y_.grow(most), raw_z_.grow(most), raw_t_.grow(most), raw_dt_.grow(most);
        for (const std::uint32_t r : alive_) {
            const std::size_t n = kernels::march_ray(
                grid, rule, rays[r], wave, {raw_x_.data, raw_y_.data, raw_z_.data, raw_t_.data, raw_dt_.data}, total);
            if (n > 0) segments_.push_back({r, static_cast<std::uint32_t>(total), static_cast<std::uint32_t>(n)});
            total += n;
        }
        evaluate(field, begin, total);
        opacities(field, from, begin, total);
        next_.clear();
        for (std::size_t s = from; s < segments_.size(); ++s) {
            Segment& segment = segments_[s];
            std::uint32_t kept = 0;
            float& through = through_[segment.ray];
            while (kept < segment.count && through > stop_at) through *= 1 - raw_alpha_.data[segment.begin + kept++];
            segment.count = kept;
            first[segment.ray + 1] += kept;
            if (through > stop_at && rays[segment.ray].t < rays[segment.ray].end) next_.push_back(segment.ray);
        }
        alive_.swap(next_);
        wave = kOtherWaves;
    }
    evaluated = total;
    for (std::size_t r = 0; r < rays.size(); ++r) first[r + 1] += first[r];
    keep(field, for_training);
}

void WaveTracer::keep(const RadianceField& field, bool for_training) {
    const std::size_t n = size(), width = field.grid.width(), n_hidden = field.density_net.hidden();
    const std::size_t in = field.colour_net.in();
    x.grow(n), y.grow(n), z.grow(n), t.grow(n), dt.grow(n), alpha.grow(n), colour_in.grow(n * in);
    if (for_training) encoded.grow(n * width), hidden.grow(n * n_hidden);
    cursor_.assign(first.begin(), first.end() - 1);
    for (const Segment& s : segments_) {
        const std::size_t to = cursor_[s.ray], from = s.begin, count = s.count;
        cursor_[s.ray] += s.count;
        const auto copy = [&](const Buffer& source, Buffer& target, std::size_t columns) {
            std::copy_n(source.data.data() + from * columns, count * columns, target.data.data() + to * columns);
        };
        copy(raw_x_, x, 1), copy(raw_y_, y, 1), copy(raw_z_, z, 1);
        copy(raw_t_, t, 1), copy(raw_dt_, dt, 1), copy(raw_alpha_, alpha, 1);
        if (for_training) copy(raw_encoded_, encoded, width), copy(raw_hidden_, hidden, n_hidden);
        for (std::size_t i = 0; i < count; ++i)
            std::copy_n(raw_out_.data.data() + (from + i) * kOut, kOut, colour_in.data.data() + (to + i) * in);
    }
}

}  // namespace nir::render
