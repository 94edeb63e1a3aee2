// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// A ball seen from all sides, and the loss of a chunk of its rays.
#pragma once

#include "nir/base/rng.h"
#include "nir/render/radiance_trainer.h"

#include "render/training_chunk.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <optional>

namespace nir::render {

/// Where the ray first meets the ball around 0 of radius 0.6, if it does.
inline std::optional<double> ball_distance(const geom::Ray& ray) {
    const double b = dot(ray.origin, ray.direction), c = squared_norm(ray.origin) - 0.36, root = b * b - c;
    if (root < 0) return std::nullopt;
    return -b - std::sqrt(root);
}

/// A ball whose colour is its normal, transparent around it, seen from all sides.
inline PosedView ball_view(geom::Vec3d eye, int size) {
    PosedView view;
    view.camera = geom::pinhole_camera(size, size, 0.6);
    view.world_from_camera = geom::look_at(eye, {0, 0, 0}, {0, 0, 1});
    view.rgba = geom::Image8(size, size, 4);
    for (int y = 0; y < size; ++y)
        for (int x = 0; x < size; ++x) {
            const auto ray = geom::ray_through(view.camera, view.world_from_camera, {x + 0.5, y + 0.5});
            const auto t = ball_distance(*ray);
            if (!t) continue;
            const geom::Vec3d normal = (ray->origin + ray->direction * *t) / 0.6;
            std::uint8_t* p = view.rgba.pixel(x, y);
            for (int k = 0; k < 3; ++k) p[k] = static_cast<std::uint8_t>(std::lround(127.5 + 100 * normal[k]));
            p[3] = 255;
        }
    return view;
}

inline std::vector<PosedView> ball_views(int count, int size, double phase = 0) {
    std::vector<PosedView> views;
    for (int i = 0; i < count; ++i) {
        const double z = -1 + (2 * i + 1.0) / count, a = 2.4 * i + phase, r = std::sqrt(1 - z * z);
        views.push_back(ball_view(geom::Vec3d{r * std::cos(a), r * std::sin(a), z} * 4.0, size));
    }
    return views;
}

inline const FieldFrame kFrame{{0, 0, 0}, 1.6};

inline RadianceFieldConfig small_field(FieldShape shape = FieldShape::density) {
    RadianceFieldConfig config;
    config.shape = shape;
    config.grid = {8, 2, 13, 8, 128};
    config.hidden = 32;
    return config;
}

inline RadianceTrainerOptions small_options() {
    RadianceTrainerOptions options;
    options.march.steps_across = 160;
    options.first_batch = 1 << 12, options.last_batch = 1 << 14, options.double_every = 50;
    return options;
}

/// The loss of one chunk of rays and its gradients.
struct ChunkLoss {
    const std::vector<PosedView> views = ball_views(4, 24);
    RadianceTrainerOptions options = small_options();
    OccupancyGrid grid;
    std::vector<std::uint64_t> candidates;
    RadianceField field;
    GroupGradients out;
    static constexpr std::size_t kRays = 64;

    explicit ChunkLoss(FieldShape shape = FieldShape::density) : field(small_field(shape), 3) {
        Rng rng(8);
        for (float& w : field.table) w = static_cast<float>(rng.uniform(-0.5, 0.5));
        options.stop_at = 0;  // the end of a ray is a step of the loss
    }
    double value() {
        field.refresh_halves();
        field.pack_networks();
        TrainingScene scene(field, views, kFrame, options);
        scene.candidates = candidates;
        out.clear(scene);
        TrainingChunk chunk;
        chunk.run(scene, grid.view(), 0, kRays, 0, kRays, out);
        return out.loss / kRays;
    }
    /// Slope along `direction` from the gradients, and from two values.
    void expect_slope(std::vector<float>& weights, const std::vector<float>& gradient, double step, double tolerance) {
        const double length = std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0));
        ASSERT_GT(length, 1e-4);
        const auto before = weights;
        const auto move = [&](double by) {
            for (std::size_t i = 0; i < weights.size(); ++i)
                weights[i] = before[i] + static_cast<float>(by * static_cast<double>(gradient[i]) / length);
            return value();
        };
        const double up = move(step), down = move(-step);
        weights = before;
        EXPECT_NEAR((up - down) / (2 * step) / length, 1, tolerance);
    }
};

}  // namespace nir::render
