// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/photo_corrections.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>

namespace nir::render {
namespace {

using geom::Vec3d;

constexpr double kBeta1 = 0.9, kBeta2 = 0.99, kTiny = 1e-15;

/// Adam's steps of all numbers, with the mean over the views taken out of each column.
std::vector<double> centred_steps(std::span<const float> gradient, std::size_t columns, double rate, double count,
                                  std::vector<double>& moments) {
    const double debias = std::sqrt(1 - std::pow(kBeta2, count)) / (1 - std::pow(kBeta1, count));
    std::vector<double> out(gradient.size()), mean(columns);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
        const auto g = static_cast<double>(gradient[i]);
        double &first = moments[2 * i], &second = moments[2 * i + 1];
        first = kBeta1 * first + (1 - kBeta1) * g, second = kBeta2 * second + (1 - kBeta2) * g * g;
        out[i] = -rate * debias * first / (std::sqrt(second) + kTiny);
        mean[i % columns] += out[i];
    }
    const double views = static_cast<double>(gradient.size()) / static_cast<double>(columns);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] -= mean[i % columns] / views;
    return out;
}

/// v turned about `axis` by its length in radians.
Vec3d turned(Vec3d v, Vec3d axis) {
    const double angle = norm(axis);
    if (angle < 1e-15) return v;
    const Vec3d a = axis / angle;
    return v * std::cos(angle) + cross(a, v) * std::sin(angle) + a * (dot(a, v) * (1 - std::cos(angle)));
}

}  // namespace

PhotoCorrections::PhotoCorrections(const std::vector<geom::Pose>& poses)
    : log_gain_(3 * poses.size()),
      gain_moments_(6 * poses.size()),
      pose_numbers_(12 * poses.size()),
      pose_moments_(12 * poses.size()),
      poses_(poses) {
    store_poses();
}

std::array<float, 3> PhotoCorrections::gain(std::size_t view) const {
    std::array<float, 3> out{};
    for (std::size_t k = 0; k < 3; ++k) out[k] = static_cast<float>(std::exp(log_gain_[3 * view + k]));
    return out;
}

void PhotoCorrections::step_gains(std::span<const float> sums, double rate) {
    NIR_CHECK(sums.size() == 2 * log_gain_.size());
    constexpr double kKeep = 0.9, kLargest = 0.1;
    ++counts_[0];
    std::array<double, 3> mean{};
    for (std::size_t i = 0; i < log_gain_.size(); ++i) {
        const std::size_t at = 6 * (i / 3) + i % 3;
        double &slope = gain_moments_[2 * i], &bend = gain_moments_[2 * i + 1];
        slope = kKeep * slope + static_cast<double>(sums[at]);
        bend = kKeep * bend + static_cast<double>(sums[at + 3]);
        if (bend > 0) log_gain_[i] += std::clamp(-rate * slope / bend, -kLargest, kLargest);
        mean[i % 3] += log_gain_[i] / static_cast<double>(views());
    }
    for (std::size_t i = 0; i < log_gain_.size(); ++i) log_gain_[i] -= mean[i % 3];
}

void PhotoCorrections::step_poses(std::span<const float> gradient, double rate, double scale) {
    NIR_CHECK(gradient.size() == 6 * poses_.size());
    const auto steps = centred_steps(gradient, 6, rate, ++counts_[1], pose_moments_);
    for (std::size_t v = 0; v < poses_.size(); ++v) {
        const double* s = steps.data() + 6 * v;
        geom::Pose& p = poses_[v];
        const Vec3d axis{s[0], s[1], s[2]};
        p.right = turned(p.right, axis), p.up = turned(p.up, axis), p.back = turned(p.back, axis);
        p = geom::orthonormalized(p);
        p.position = p.position + Vec3d{s[3], s[4], s[5]} * scale;
    }
    store_poses();
}

void PhotoCorrections::store_poses() {
    for (std::size_t v = 0; v < poses_.size(); ++v) {
        const geom::Pose& p = poses_[v];
        std::size_t at = 12 * v;
        for (const Vec3d* axis : {&p.right, &p.up, &p.back, &p.position})
            for (int a = 0; a < 3; ++a) pose_numbers_[at++] = (*axis)[a];
    }
}

void PhotoCorrections::restored() {
    for (std::size_t v = 0; v < poses_.size(); ++v) {
        std::size_t at = 12 * v;
        geom::Pose& p = poses_[v];
        for (Vec3d* axis : {&p.right, &p.up, &p.back, &p.position})
            for (int a = 0; a < 3; ++a) (*axis)[a] = pose_numbers_[at++];
        if (!(geom::rotation_defect(p) < 1e-6)) fail(ErrorKind::format, "the pose of view {} is no rotation", v);
    }
    for (const double g : log_gain_)
        if (!std::isfinite(g)) fail(ErrorKind::format, "a gain is not finite");
}

}  // namespace nir::render
