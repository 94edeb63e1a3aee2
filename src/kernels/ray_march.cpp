// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/kernels/ray_march.h"

#include <algorithm>
#include <limits>

namespace nir::kernels {

StepRule::StepRule(float smallest, float cone, float largest)
    : smallest_(smallest), cone_(cone), largest_(std::max(largest, smallest)) {
    if (cone == 0) return;
    log_growth_ = std::log1p(cone);
    near_number_ = (std::log(smallest_) - std::log(log_growth_)) / log_growth_;
    far_number_ = (std::log(largest_) - std::log(log_growth_)) / log_growth_;
    near_ = std::exp(near_number_ * log_growth_);
    far_ = std::exp(far_number_ * log_growth_);
}

float StepRule::number_of(float t) const {
    if (cone_ == 0) return t / smallest_;
    if (t <= near_) return (t - near_) / smallest_ + near_number_;
    if (t <= far_) return std::log(t) / log_growth_;
    return (t - far_) / largest_ + far_number_;
}

float StepRule::distance_of(float number) const {
    if (cone_ == 0) return number * smallest_;
    if (number <= near_number_) return (number - near_number_) * smallest_ + near_;
    if (number <= far_number_) return std::exp(number * log_growth_);
    return (number - far_number_) * largest_ + far_;
}

RayInterval ray_in_cube(const OccupancyView& grid, const std::array<float, 3>& origin,
                        const std::array<float, 3>& direction) {
    const float lo = 0.5f - grid.half_side(), hi = 0.5f + grid.half_side();
    RayInterval out{0, std::numeric_limits<float>::max()};
    for (std::size_t a = 0; a < 3; ++a) {
        if (direction[a] == 0) {
            if (origin[a] < lo || origin[a] > hi) return {0, 0};
            continue;
        }
        const float first = (lo - origin[a]) / direction[a], second = (hi - origin[a]) / direction[a];
        out.begin = std::max(out.begin, std::min(first, second));
        out.end = std::min(out.end, std::max(first, second));
    }
    return out;
}

namespace {

/// The cascade whose cells fit the place (outside the inner cubes) and the length of the step.
int cascade_of(const OccupancyView& grid, const std::array<float, 3>& p, float dt) {
    if (grid.cascades == 1) return 0;
    const float away = std::max({std::abs(p[0] - 0.5f), std::abs(p[1] - 0.5f), std::abs(p[2] - 0.5f)});
    int by_place = 0, by_step = 0;
    std::frexp(away, &by_place);
    std::frexp(dt * static_cast<float>(2 * kOccupancyCells), &by_step);
    return std::clamp(std::max(by_place + 1, by_step), 0, grid.cascades - 1);
}

/// How far the ray is from leaving the cell (of `size` cells of the cascade) that holds q.
float distance_to_border(const std::array<float, 3>& q, const std::array<float, 3>& inverse, float size) {
    float nearest = std::numeric_limits<float>::max();
    for (std::size_t a = 0; a < 3; ++a) {
        const float low = std::floor(q[a] / size) * size;
        nearest = std::min(nearest, ((inverse[a] > 0 ? low + size : low) - q[a]) * inverse[a]);
    }
    return std::max(nearest, 0.0f);
}

}  // namespace

std::size_t march_ray(const OccupancyView& grid, const StepRule& rule, MarchingRay& ray, std::size_t most,
                      const MarchSamples& out, std::size_t at) {
    constexpr auto kCells = static_cast<float>(kOccupancyCells);
    std::array<float, 3> inverse{};
    for (std::size_t a = 0; a < 3; ++a)  // an axis that does not move has no border
        inverse[a] = ray.direction[a] == 0 ? 1e30f : 1 / ray.direction[a];
    const float to_field = 0.5f / grid.half_side();
    std::size_t taken = 0;
    while (taken < most && ray.t < ray.end) {
        std::array<float, 3> p{}, q{};
        for (std::size_t a = 0; a < 3; ++a) p[a] = ray.origin[a] + ray.t * ray.direction[a];
        const float dt = rule.step(ray.t);
        const int cascade = cascade_of(grid, p, dt);
        const float shrink = 1.0f / static_cast<float>(1 << cascade);
        std::array<std::uint32_t, 3> cell{};
        for (std::size_t a = 0; a < 3; ++a) {
            q[a] = std::clamp(((p[a] - 0.5f) * shrink + 0.5f) * kCells, 0.0f, kCells - 0.001f);
            cell[a] = static_cast<std::uint32_t>(q[a]);
        }
        const std::uint32_t index = occupancy_cell(cell[0], cell[1], cell[2]);
        const std::uint64_t brick = grid.bricks[static_cast<std::size_t>(cascade) * kBricksPerCascade + index / 64];
        if ((brick >> (index % 64)) & 1) {
            const std::size_t i = at + taken++;
            out.x[i] = (p[0] - 0.5f) * to_field + 0.5f;
            out.y[i] = (p[1] - 0.5f) * to_field + 0.5f;
            out.z[i] = (p[2] - 0.5f) * to_field + 0.5f;
            out.t[i] = ray.t, out.dt[i] = dt;
            ray.t += dt;
            continue;
        }
        const float away = distance_to_border(q, inverse, brick == 0 ? 4.0f : 1.0f) / (kCells * shrink);
        const float now = rule.number_of(ray.t), wanted = rule.number_of(ray.t + away);
        ray.t = rule.distance_of(now + std::ceil(std::max(wanted - now, 0.5f)));
    }
    return taken;
}

}  // namespace nir::kernels
