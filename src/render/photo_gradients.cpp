// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What a chunk of rays says beside the field's gradients: about gains, poses and the background, and what keeps
// floaters down.
#include "render/training_chunk.h"

#include <algorithm>
#include <cmath>

namespace nir::render {

/// Samples right in front of a camera are seen by few others: what they learn is scaled down.
/// Ref: philip2023 (gradient scaling).
void TrainingChunk::fade(const TrainingScene& scene) {
    const auto from = static_cast<float>(scene.options.fade / scene.frame.side);
    const std::size_t n_out = scene.field.colour_net.out();
    for (std::size_t i = 0; i < tracer_.size(); ++i) {
        const float share = tracer_.t.data[i] / from;
        if (share >= 1) continue;
        for (std::size_t k = 0; k < 3; ++k) d_raw_.data[i * n_out + k] *= share * share;
        d_density_.data[i] *= share * share;
    }
}

/// sum_ij w_i w_j |s_i - s_j| + 1/3 sum_i w_i^2 d_i over the samples of a ray, s the number of the step, 0..1 on its
/// way through the cubes. Ref: barron2022, eq. 15; with prefix sums, so that it is linear in the samples.
void TrainingChunk::distortion(const TrainingScene& scene, std::size_t rays, GroupGradients& out) {
    const float weight = static_cast<float>(scene.options.distortion) / static_cast<float>(rays);
    const std::size_t in = scene.field.colour_net.in();
    const float length = 1 / scene.reach;
    for (std::size_t r = 0; r + 1 < tracer_.first.size(); ++r) {
        const std::size_t begin = tracer_.first[r], n = tracer_.first[r + 1] - begin;
        if (n == 0 || !counts_[r]) continue;
        interval_.resize(2 * n);
        float* const s = interval_.data();
        float* const slope = s + n;
        const float* const w = weights_.data.data() + begin;
        float all_w = 0, all_ws = 0;
        for (std::size_t i = 0; i < n; ++i) {
            s[i] = scene.rule.number_of(tracer_.t.data[begin + i]) * length;
            all_w += w[i], all_ws += w[i] * s[i];
        }
        float before_w = 0, before_ws = 0, loss = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const float behind_w = all_w - before_w - w[i], behind_ws = all_ws - before_ws - w[i] * s[i];
            const float spread = s[i] * before_w - before_ws + behind_ws - s[i] * behind_w;
            loss += w[i] * spread + w[i] * w[i] * length / 3;
            slope[i] = 2 * spread + 2 * w[i] * length / 3;
            before_w += w[i], before_ws += w[i] * s[i];
        }
        out.loss += static_cast<double>(scene.options.distortion) * static_cast<double>(loss);
        // dw_j/dsigma_i = dt (T_{i+1} for j = i, -w_j behind it).
        float through = 1, behind = 0;
        for (std::size_t i = 0; i < n; ++i) behind += w[i] * slope[i];
        for (std::size_t i = 0; i < n; ++i) {
            behind -= w[i] * slope[i];
            through -= w[i];
            const float log_density = tracer_.colour_in.data[(begin + i) * in];
            const float thickness = std::exp(std::clamp(log_density, -15.0f, 15.0f)) * tracer_.dt.data[begin + i];
            d_density_.data[begin + i] += weight * thickness * (std::max(through, 0.0f) * slope[i] - behind);
        }
    }
}

void TrainingChunk::gradients_of_photos(const TrainingScene& scene, GroupGradients& out) const {
    const bool environment = !scene.environment.empty();
    if (!environment && !scene.options.exposure) return;
    for (std::size_t r = 0; r < view_.size(); ++r) {
        if (!counts_[r]) continue;
        if (scene.options.exposure)
            for (std::size_t k = 0; k < 3; ++k) {
                const std::size_t i = 3 * r + k;
                const float ours = environment ? 0.0f : through_[r] * background_[i], gain = scene.gains[view_[r]][k];
                const float shown = gain * (color_[i] - ours);
                float* const sums = out.gains.data() + 6 * view_[r];
                sums[k] += slope_[i] / gain * shown, sums[3 + k] += bend_[i] * shown * shown;
            }
        if (!environment) continue;
        const std::array<float, 3> direction{direction_[0][r], direction_[1][r], direction_[2][r]};
        const std::array<float, 3> color{background_[3 * r], background_[3 * r + 1], background_[3 * r + 2]};
        std::array<float, 3> slope{};  // what a photo shows as transparent is compared with the background itself
        for (std::size_t k = 0; k < 3; ++k)
            slope[k] = slope_[3 * r + k] * (through_[r] - clear_[r] / scene.gains[view_[r]][k]);
        scene.environment.add_gradient(scene.environment.taps(direction), color, slope, out.environment);
    }
}

/// With p = o + t d: dL/do = sum dL/dp, and a small rotation w of the camera moves d by w x d.
void TrainingChunk::gradients_of_poses(const TrainingScene& scene, std::uint64_t step, std::size_t begin,
                                       GroupGradients& out) {
    const auto every = std::max<std::size_t>(scene.options.pose_rays, 1);
    const std::size_t width = scene.field.grid.width();
    const float shrink = 1.0f / static_cast<float>(1 << (scene.field.config.cascades - 1));
    for (std::size_t r = 0; r < view_.size(); ++r) {
        if ((begin + r + step) % every != 0 || !counts_[r]) continue;
        const std::size_t from = tracer_.first[r], n = tracer_.first[r + 1] - from;
        if (n == 0) continue;
        d_position_.resize(3 * n);
        const kernels::PointArrays points{
            {tracer_.x.data.data() + from, n}, {tracer_.y.data.data() + from, n}, {tracer_.z.data.data() + from, n}};
        kernels::hash_grid_input_gradient(scene.field.grid, points, scene.field.table,
                                          std::span(d_encoded_.data).subspan(from * width, n * width), width,
                                          d_position_);
        std::array<float, 3> move{}, turn{};
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t a = 0; a < 3; ++a) {
                const float g = d_position_[3 * i + a] * shrink;
                move[a] += g, turn[a] += tracer_.t.data[from + i] * g;
            }
        const auto& d = rays_[r].direction;
        float* const pose = out.poses.data() + 6 * view_[r];
        const auto scale = static_cast<float>(every);
        for (std::size_t a = 0; a < 3; ++a) {
            const std::size_t b = (a + 1) % 3, c = (a + 2) % 3;
            pose[a] += scale * (d[b] * turn[c] - d[c] * turn[b]);
            pose[3 + a] += scale * move[a];
        }
    }
}

}  // namespace nir::render
