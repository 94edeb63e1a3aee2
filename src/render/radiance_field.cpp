// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/radiance_field.h"

#include "nir/base/error.h"
#include "nir/base/rng.h"
#include "nir/kernels/composite.h"
#include "nir/kernels/ray_march.h"
#include "nir/kernels/spherical_harmonics.h"
#include "nir/kernels/surface_opacity.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

constexpr std::size_t kBatch = 512;

void fill_xavier(const kernels::SmallMlp& net, std::vector<float>& weights, Rng& rng) {
    weights.clear();
    for (std::size_t l = 0; l < net.layers; ++l) {
        const double bound = std::sqrt(6.0 / static_cast<double>(net.widths[l] + net.widths[l + 1]));
        for (std::size_t i = 0; i < net.widths[l] * net.widths[l + 1]; ++i)
            weights.push_back(static_cast<float>(rng.uniform(-bound, bound)));
    }
}

kernels::PointArrays part(const kernels::PointArrays& p, std::size_t begin, std::size_t count) {
    return {p.x.subspan(begin, count), p.y.subspan(begin, count), p.z.subspan(begin, count)};
}

}  // namespace

RadianceField::RadianceField(const RadianceFieldConfig& c, std::uint64_t seed)
    : config(c), grid(kernels::hash_grid_layout(c.grid)) {
    if (c.hidden < 16 || c.hidden > 256 || c.hidden % 16 != 0)
        fail(ErrorKind::config, "radiance field: hidden = {} is not a multiple of 16 from 16 to 256", c.hidden);
    if (c.cascades < 1 || c.cascades > kernels::kMostCascades)
        fail(ErrorKind::config, "radiance field: cascades = {} is not 1 to {}", c.cascades, kernels::kMostCascades);
    if (grid.width() % 16 != 0)
        fail(ErrorKind::config, "radiance field: levels times features = {} is not a multiple of 16", grid.width());
    if (has_surface() && c.cascades != 1)
        fail(ErrorKind::config, "radiance field: a field with a surface has one cascade, not {}", c.cascades);
    const auto hidden = static_cast<std::size_t>(c.hidden);
    density_net = {2, {grid.width(), hidden, kDensityOutputs}};
    colour_net = {3, {kDensityOutputs + kernels::kSphericalHarmonics, hidden, hidden, 16}};
    Rng rng(seed);
    table.resize(grid.parameters());
    for (float& w : table) w = static_cast<float>(rng.uniform(-1e-4, 1e-4));
    if (has_surface() && grid.levels.size() > kFirstLevels)
        std::fill(table.begin() + static_cast<std::ptrdiff_t>(grid.levels[kFirstLevels].offset *
                                                              static_cast<std::size_t>(grid.features)),
                  table.end(), 0.0f);
    half_table.resize(table.size());
    fill_xavier(density_net, density_weights, rng);
    fill_xavier(colour_net, colour_weights, rng);
    density_packed.resize(density_weights.size());
    colour_packed.resize(colour_weights.size());
    refresh_halves();
    pack_networks();
}

void RadianceField::pack_networks() {
    kernels::mlp_pack(density_net, density_weights, density_packed);
    kernels::mlp_pack(colour_net, colour_weights, colour_packed);
}

void RadianceField::refresh_halves() { kernels::to_half(table, half_table); }

float RadianceField::level_value(float x, float y, float z, float raw) const {
    if (!has_surface()) return raw;
    const float dx = x - 0.5f, dy = y - 0.5f, dz = z - 0.5f;
    const float behind = kBallRadius - std::sqrt(dx * dx + dy * dy + dz * dz) + kRawScale * raw;
    return config.shape == FieldShape::distance ? behind : kLogitScale * behind;
}

float RadianceField::level_slope() const {
    if (!has_surface()) return 1;
    return config.shape == FieldShape::distance ? kRawScale : kLogitScale * kRawScale;
}

float RadianceField::step_thickness(float value) const {
    constexpr float step = 1.7320508f / 1024, half_cell = 0.5f * 1.7320508f / kernels::kOccupancyCells;
    if (!has_surface()) return std::exp(std::min(value, 30.0f)) * step;
    if (config.shape == FieldShape::occupancy) return -kernels::log_sigmoid(-value);
    const float nearest = -value - half_cell;
    return 10 * (kernels::log_sigmoid(sharpness * nearest) - kernels::log_sigmoid(sharpness * (nearest - step)));
}

void RadianceField::level_values(const kernels::PointArrays& points, std::span<float> out) const {
    std::vector<float> encoded(kBatch * grid.width()), hidden(kBatch * density_net.hidden()),
        values(kBatch * kDensityOutputs);
    for (std::size_t begin = 0; begin < points.size(); begin += kBatch) {
        const std::size_t count = std::min(kBatch, points.size() - begin);
        kernels::hash_grid_forward(grid, part(points, begin, count), half_table, encoded, grid.width());
        kernels::mlp_forward(density_net, density_packed, count, encoded.data(), grid.width(), hidden, values.data(),
                             kDensityOutputs);
        for (std::size_t i = begin; i < begin + count; ++i)
            out[i] = level_value(points.x[i], points.y[i], points.z[i], values[(i - begin) * kDensityOutputs]);
    }
}

void RadianceField::query(const kernels::PointArrays& points, const kernels::PointArrays& directions,
                          std::span<float> rgb, std::span<float> level_values) const {
    const std::size_t in = colour_net.in();
    std::vector<float> encoded(kBatch * grid.width()), values(kBatch * in), raw(kBatch * colour_net.out()),
        hidden(kBatch * std::max(density_net.hidden(), colour_net.hidden()));
    for (std::size_t begin = 0; begin < points.size(); begin += kBatch) {
        const std::size_t count = std::min(kBatch, points.size() - begin);
        const kernels::PointArrays d = part(directions, begin, count);
        kernels::hash_grid_forward(grid, part(points, begin, count), half_table, encoded, grid.width());
        kernels::mlp_forward(density_net, density_packed, count, encoded.data(), grid.width(), hidden, values.data(),
                             in);
        kernels::spherical_harmonics(d.x, d.y, d.z, std::span(values).subspan(kDensityOutputs), in);
        kernels::mlp_forward(colour_net, colour_packed, count, values.data(), in, hidden, raw.data(), colour_net.out());
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = begin + i;
            level_values[at] = level_value(points.x[at], points.y[at], points.z[at], values[i * in]);
            for (std::size_t k = 0; k < 3; ++k) rgb[(begin + i) * 3 + k] = raw[i * colour_net.out() + k];
        }
    }
    kernels::logistic(rgb, rgb);
}

}  // namespace nir::render
