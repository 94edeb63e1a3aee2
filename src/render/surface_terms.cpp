// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What fields with a surface are asked for beside the colours of rays. Slopes are differences over a cell of the finest
// grid that is learned, between the corners of a tetrahedron: all gradients are those of values, so that the same
// kernels serve them. Ref: li2023 (numerical gradients, coarse to fine); wang2021 (eikonal term); oechsle2021
// (smoothness of normals).
#include "nir/base/error.h"
#include "nir/kernels/surface_opacity.h"

#include "render/training_chunk.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nir::render {
namespace {

/// One probe on the rays for so many samples, one anywhere for so many.
constexpr std::size_t kSamplesPerNear = 12, kSamplesPerFar = 24;
constexpr std::array<std::array<float, 3>, 4> kAround{{{1, -1, -1}, {-1, -1, 1}, {-1, 1, -1}, {1, 1, 1}}};

/// Half the side of the finest cell that is learned, in sides of the cube.
float half_cell(const TrainingScene& scene) {
    const auto& levels = scene.field.grid.levels;
    const std::size_t finest = std::min(scene.active_levels, levels.size()) - 1;
    return 0.5f / std::min(std::max(levels[finest].scale, 1.0f), 1024.0f);
}

std::array<float, 3> slope_of(const float* corners, float h) {
    std::array<float, 3> g{};
    for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t a = 0; a < 3; ++a) g[a] += corners[k] * kAround[k][a] / (4 * h);
    return g;
}

/// dL/dcorners from dL/dg.
void add_slope(float* corners, const std::array<float, 3>& by_slope, float h) {
    for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t a = 0; a < 3; ++a) corners[k] += by_slope[a] * kAround[k][a] / (4 * h);
}

float length_of(const std::array<float, 3>& v) { return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

}  // namespace

/// dL/dthickness becomes dL/draw, in d_density_.
void TrainingChunk::thickness_to_raw(const TrainingScene& scene) {
    const RadianceField& field = scene.field;
    const std::size_t n = tracer_.size(), in = field.colour_net.in();
    const bool distance = field.config.shape == FieldShape::distance;
    values_.grow(n);
    for (std::size_t i = 0; i < n; ++i) {
        const float value =
            field.level_value(tracer_.x.data[i], tracer_.y.data[i], tracer_.z.data[i], tracer_.colour_in.data[i * in]);
        values_.data[i] = distance ? -value : value;
    }
    const std::span<float> slope = d_density_.first(n);
    if (distance)
        kernels::distance_backward(tracer_.first, values_.first(n), field.sharpness, slope, slope);
    else
        kernels::occupancy_backward(values_.first(n), slope, slope);
    const float factor = distance ? -field.level_slope() : field.level_slope();
    for (float& g : slope) g *= factor;
}

/// Middles of the probes: on rays (of an occupancy: only where something is seen) and anywhere in the cube. A distance
/// has the middle and four corners, an occupancy two tetrahedra side by side.
void TrainingChunk::place_probes(const TrainingScene& scene, std::uint64_t step, std::size_t begin,
                                 std::size_t per_probe) {
    const bool distance = scene.field.config.shape == FieldShape::distance;
    const std::size_t samples = tracer_.size();
    const float h = half_cell(scene);
    RayRandom random(scene.options.seed ^ 0x5eedULL, step, begin);
    for (auto* v : {&probes_.x, &probes_.y, &probes_.z}) v->clear();
    probes_.empty.clear();
    const auto add = [&](float x, float y, float z) {
        const auto inside = [&](float v) { return std::clamp(v, 4 * h, 1 - 4 * h); };
        const std::array<float, 3> p{inside(x), inside(y), inside(z)};
        const auto put = [&](float dx, float dy, float dz) {
            probes_.x.push_back(p[0] + dx), probes_.y.push_back(p[1] + dy), probes_.z.push_back(p[2] + dz);
        };
        const auto corners = [&](const std::array<float, 3>& from) {
            for (const auto& d : kAround) put(from[0] + h * d[0], from[1] + h * d[1], from[2] + h * d[2]);
        };
        if (distance) {
            put(0, 0, 0);
            corners({});
        } else {
            std::array<float, 3> away{};
            for (float& v : away) v = 2 * h * (2 * random.uniform() - 1);
            corners({});
            corners(away);
        }
        std::array<std::uint32_t, 3> cell{};
        for (std::size_t a = 0; a < 3; ++a) cell[a] = static_cast<std::uint32_t>(p[a] * kernels::kOccupancyCells);
        const std::uint32_t index = kernels::occupancy_cell(cell[0], cell[1], cell[2]);
        const auto& bits = scene.candidates;
        probes_.empty.push_back(!bits.empty() && !((bits[index / 64] >> (index % 64)) & 1));
    };
    for (std::size_t k = 0; k < samples / kSamplesPerNear; ++k) {
        const auto i = std::min(samples - 1, static_cast<std::size_t>(random.uniform() * static_cast<float>(samples)));
        if (!distance && weights_.data[i] < 0.05f) continue;
        add(tracer_.x.data[i], tracer_.y.data[i], tracer_.z.data[i]);
    }
    probes_.near = probes_.empty.size();
    for (std::size_t k = 0; k < samples / kSamplesPerFar + 1; ++k) {
        const float x = random.uniform(), y = random.uniform(), z = random.uniform();
        add(x, y, z);
    }
    probes_.count = probes_.empty.size();
    NIR_CHECK(probes_.x.size() == probes_.count * per_probe);
}

/// Slope 1, small changes of the slope, and carved cells outside. @return the loss.
double TrainingChunk::distance_terms(const TrainingScene& scene, float h, float weight) {
    const auto eikonal = weight * static_cast<float>(scene.options.eikonal);
    const auto smooth = weight * static_cast<float>(scene.options.smoothness);
    const auto carved = weight * static_cast<float>(scene.options.carved);
    double loss = 0;
    for (std::size_t k = 0; k < probes_.count; ++k) {
        const float* const v = probes_.value.data() + 5 * k;
        float* const d = probes_.slope.data() + 5 * k;
        std::array<float, 3> g = slope_of(v + 1, h);
        const float length = std::max(length_of(g), 1e-6f), off = length - 1;
        loss += static_cast<double>(eikonal * off * off);
        for (float& x : g) x *= eikonal * 2 * off / length;
        add_slope(d + 1, g, h);
        if (k < probes_.near) {
            const float change = (v[1] + v[2] + v[3] + v[4] - 4 * v[0]) / (2 * h);
            loss += static_cast<double>(smooth * change * change);
            for (std::size_t c = 1; c < 5; ++c) d[c] += smooth * change / h;
            d[0] -= 4 * smooth * change / h;
        }
        if (const float inside = v[0] + h; probes_.empty[k] && inside > 0) {
            loss += static_cast<double>(carved * inside);
            d[0] += carved;
        }
    }
    return loss;
}

/// Neighbouring normals of what is seen alike, and carved cells empty. @return the loss.
double TrainingChunk::occupancy_terms(const TrainingScene& scene, float h, float weight) {
    const auto smooth = weight * static_cast<float>(scene.options.smoothness);
    const auto carved = weight * static_cast<float>(scene.options.carved);
    double loss = 0;
    for (std::size_t k = 0; k < probes_.count; ++k) {
        const float* const v = probes_.value.data() + 8 * k;
        float* const d = probes_.slope.data() + 8 * k;
        if (k < probes_.near) {
            std::array<std::array<float, 3>, 2> n{slope_of(v, h), slope_of(v + 4, h)};
            std::array<float, 2> length{};
            float cosine = 0;
            for (std::size_t s = 0; s < 2; ++s) {
                length[s] = std::max(length_of(n[s]), 1e-6f);
                for (float& x : n[s]) x /= length[s];
            }
            for (std::size_t a = 0; a < 3; ++a) cosine += n[0][a] * n[1][a];
            loss += static_cast<double>(smooth * 2 * (1 - cosine));
            for (std::size_t s = 0; s < 2; ++s) {
                std::array<float, 3> g{};
                for (std::size_t a = 0; a < 3; ++a) g[a] = -2 * smooth * (n[1 - s][a] - cosine * n[s][a]) / length[s];
                add_slope(d + 4 * s, g, h);
            }
        }
        if (probes_.empty[k]) {  // -log(1 - occupancy)
            const float thickness = -kernels::log_sigmoid(-v[0]);
            loss += static_cast<double>(carved * thickness);
            d[0] += carved * -std::expm1(-thickness);
        }
    }
    return loss;
}

void TrainingChunk::surface_terms(const TrainingScene& scene, std::uint64_t step, std::size_t begin, std::size_t rays,
                                  GroupGradients& out) {
    const RadianceField& field = scene.field;
    const bool distance = field.config.shape == FieldShape::distance;
    const std::size_t per_probe = distance ? 5 : 8, in_chunk = view_.size();
    constexpr std::size_t columns = RadianceField::kDensityOutputs;
    place_probes(scene, step, begin, per_probe);
    const std::size_t n = probes_.x.size(), width = field.grid.width();
    const kernels::PointArrays points{probes_.x, probes_.y, probes_.z};
    probes_.encoded.grow(n * width), probes_.hidden.grow(n * field.density_net.hidden()), probes_.out.grow(n * columns);
    const std::span<float> hidden = probes_.hidden.first(n * field.density_net.hidden());
    kernels::hash_grid_forward(field.grid, points, field.half_table, probes_.encoded.first(n * width), width);
    kernels::mlp_forward(field.density_net, field.density_packed, n, probes_.encoded.data.data(), width, hidden,
                         probes_.out.data.data(), columns);
    probes_.value.resize(n), probes_.slope.assign(n, 0.0f);
    for (std::size_t i = 0; i < n; ++i)
        probes_.value[i] = field.level_value(probes_.x[i], probes_.y[i], probes_.z[i], probes_.out.data[i * columns]);
    // The chunk's share of the step's rays, spread over its probes.
    const float weight = static_cast<float>(in_chunk) / static_cast<float>(rays * probes_.count);
    const float h = half_cell(scene);
    out.loss +=
        static_cast<double>(rays) * (distance ? distance_terms(scene, h, weight) : occupancy_terms(scene, h, weight));
    std::fill_n(probes_.out.data.begin(), n * columns, 0.0f);
    for (std::size_t i = 0; i < n; ++i) probes_.out.data[i * columns] = probes_.slope[i] * field.level_slope();
    density_backward(scene, points, probes_.encoded.data.data(), hidden, probes_.out.data.data(), columns, out);
}

}  // namespace nir::render
