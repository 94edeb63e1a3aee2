// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/light_field.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/rng.h"
#include "nir/kernels/spherical_harmonics.h"

#include "render/light_terms.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr std::size_t kBatch = 512;

void fill_xavier(const kernels::SmallMlp& net, std::vector<float>& weights, Rng& rng) {
    for (std::size_t l = 0; l < net.layers; ++l) {
        const double bound = std::sqrt(6.0 / static_cast<double>(net.widths[l] + net.widths[l + 1]));
        for (std::size_t i = 0; i < net.widths[l] * net.widths[l + 1]; ++i)
            weights.push_back(static_cast<float>(rng.uniform(-bound, bound)));
    }
}

// One batch of points: memory, and the trunk's features at the start of each row of the head's input.
struct Batch {
    std::vector<float> x, y, z, encoded, hidden, input, raw;

    explicit Batch(const LightField& f)
        : x(kBatch),
          y(kBatch),
          z(kBatch),
          encoded(kBatch * f.grid.width()),
          hidden(kBatch * std::max(f.trunk.hidden(), f.head.hidden())),
          input(kBatch * f.head.in()),
          raw(kBatch * f.head.out()) {}

    void features(const LightField& f, std::span<const SurfacePoint> points) {
        for (std::size_t i = 0; i < points.size(); ++i) {
            const Vec3d p = f.frame.field_from_world(points[i].position);
            x[i] = static_cast<float>(p.x), y[i] = static_cast<float>(p.y), z[i] = static_cast<float>(p.z);
        }
        const auto part = [&](const std::vector<float>& v) { return std::span(v).first(points.size()); };
        kernels::hash_grid_forward(f.grid, {part(x), part(y), part(z)}, f.half_table, encoded, f.grid.width());
        kernels::mlp_forward(f.trunk, f.trunk_packed, points.size(), encoded.data(), f.grid.width(), hidden,
                             input.data(), f.head.in());
    }
};

}  // namespace

LightField::LightField(const LightFieldConfig& c, const FieldFrame& in_frame, std::uint64_t seed)
    : config(c), frame(in_frame), grid(kernels::hash_grid_layout(c.grid)) {
    if (c.hidden < 16 || c.hidden > 256 || c.hidden % 16 != 0)
        fail(ErrorKind::config, "light field: hidden = {} is not a multiple of 16 from 16 to 256", c.hidden);
    if (grid.width() % 16 != 0)
        fail(ErrorKind::config, "light field: levels times features = {} is not a multiple of 16", grid.width());
    const auto hidden = static_cast<std::size_t>(c.hidden);
    const std::size_t direction = c.traced_shadows ? 0 : kernels::kSphericalHarmonics;
    trunk = {2, {grid.width(), hidden, kFeatures}};
    head = {3, {kFeatures + kAngles + direction, hidden, hidden, 16}};
    Rng rng(seed);
    table.resize(grid.parameters());
    for (float& w : table) w = static_cast<float>(rng.uniform(-1e-2, 1e-2));
    half_table.resize(table.size());
    fill_xavier(trunk, trunk_weights, rng);
    fill_xavier(head, head_weights, rng);
    trunk_packed.resize(trunk_weights.size()), head_packed.resize(head_weights.size());
    refresh_halves();
    pack_networks();
}

void LightField::pack_networks() {
    kernels::mlp_pack(trunk, trunk_weights, trunk_packed);
    kernels::mlp_pack(head, head_weights, head_packed);
}

void LightField::refresh_halves() { kernels::to_half(table, half_table); }

void LightField::angles(const SurfacePoint& point, Vec3f to_eye, Vec3f to_light, float* out) const {
    angle_features(point.normal, to_eye, to_light, out);
    if (config.traced_shadows) return;
    kernels::spherical_harmonics(std::span(&to_light.x, 1), std::span(&to_light.y, 1), std::span(&to_light.z, 1),
                                 std::span(out + kAngles, kernels::kSphericalHarmonics), kernels::kSphericalHarmonics);
}

float LightField::falloff(const LightSource& lamp, Vec3d p) const {
    return lamp.distant ? 1.0f : static_cast<float>(reference_distance * reference_distance * lamp.falloff_at(p));
}

std::vector<float> LightField::colors(const Surface& surface, std::span<const SurfacePoint> points, Vec3d eye,
                                      std::span<const LightSource> lamps, float ambient) const {
    std::vector<float> out(3 * points.size());
    parallel_for((points.size() + kBatch - 1) / kBatch, 1, [&](std::size_t begin, std::size_t end) {
        Batch batch(*this);
        for (std::size_t b = begin; b < end; ++b) {
            const std::size_t first = b * kBatch, n = std::min(kBatch, points.size() - first);
            const auto part = points.subspan(first, n);
            batch.features(*this, part);
            for (std::size_t i = 0; i < n; ++i)
                for (std::size_t k = 0; k < 3; ++k)
                    out[3 * (first + i) + k] = ambient * ambient_term(batch.input[i * head.in() + k]);
            for (const LightSource& lamp : lamps) {
                for (std::size_t i = 0; i < n; ++i)
                    angles(part[i], static_cast<Vec3f>(normalized(eye - part[i].position)),
                           static_cast<Vec3f>(lamp.direction_from(part[i].position)),
                           &batch.input[i * head.in() + kFeatures]);
                kernels::mlp_forward(head, head_packed, n, batch.input.data(), head.in(), batch.hidden,
                                     batch.raw.data(), head.out());
                for (std::size_t i = 0; i < n; ++i) {
                    const float strength = falloff(lamp, part[i].position);
                    float shade =
                        std::max(dot(part[i].normal, static_cast<Vec3f>(lamp.direction_from(part[i].position))), 0.0f);
                    if (config.traced_shadows && shade > 0)
                        shade *= visible_share(surface, part[i], lamp, config.shadow_rays, first + i);
                    for (std::size_t k = 0; k < 3; ++k)
                        out[3 * (first + i) + k] +=
                            lamp.color[k] * strength *
                            lamp_terms(shade, batch.raw[i * head.out() + k], batch.raw[i * head.out() + 3 + k]);
                }
            }
        }
    });
    return out;
}

}  // namespace nir::render
