// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/fitted/free_space.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"

#include "models/cascade/cell_blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nir::models {
namespace {

using geom::Vec3d;
using geom::Vec3f;
using geom::Vec3i;

constexpr float kSureLogit = 3.0f;                          ///< of what is surely inside: probability 0.95
constexpr std::uint8_t kMostRays = 8;                       ///< that are counted in a cell, and that start in one
constexpr float kFrontWeight = 4.0f, kBehindWeight = 2.0f;  ///< of a ray: it saw the one and can guess the other
constexpr float kDoubt = 1.0f;                              ///< weight of rays that gives half the evidence
constexpr int kRounds = 2;                                  ///< of averaging

Vec3i floored(Vec3f q) {
    return {static_cast<int>(std::floor(q.x)), static_cast<int>(std::floor(q.y)), static_cast<int>(std::floor(q.z))};
}

/// Means over three cells along one axis with weights 1/4, 1/2, 1/4; the border repeats.
/// @param count of the cells along the axis  @param stride between them  @param lines  first cells of all lines
void smooth_along(std::vector<float>& v, std::size_t count, std::size_t stride, std::span<const std::size_t> lines) {
    parallel_for(lines.size(), 256, [&](std::size_t begin, std::size_t end) {
        for (std::size_t l = begin; l < end; ++l) {
            float* p = v.data() + lines[l];
            float before = p[0];
            for (std::size_t i = 0; i < count; ++i) {
                const float here = p[i * stride], next = i + 1 < count ? p[(i + 1) * stride] : here;
                p[i * stride] = 0.25f * before + 0.5f * here + 0.25f * next;
                before = here;
            }
        }
    });
}

void smooth(std::vector<float>& v, Vec3i size, int rounds) {
    const std::array<std::size_t, 3> n{static_cast<std::size_t>(size.x), static_cast<std::size_t>(size.y),
                                       static_cast<std::size_t>(size.z)};
    const std::array<std::size_t, 3> stride{1, n[0], n[0] * n[1]};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::size_t a = (axis + 1) % 3, b = (axis + 2) % 3;
        std::vector<std::size_t> lines;
        lines.reserve(n[a] * n[b]);
        for (std::size_t j = 0; j < n[b]; ++j)
            for (std::size_t i = 0; i < n[a]; ++i) lines.push_back(i * stride[a] + j * stride[b]);
        for (int round = 0; round < rounds; ++round) smooth_along(v, n[axis], stride[axis], lines);
    }
}

class CarvedField final : public CascadeField {
public:
    CarvedField(std::unique_ptr<CascadeField> learned, std::shared_ptr<const FreeSpace> space)
        : learned_(std::move(learned)), space_(std::move(space)) {}
    void values(std::span<const Vec3f> points, std::span<float> out) const override {
        learned_->values(points, out);
        parallel_for(points.size(), 1024, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) {
                const float e = space_->evidence(points[i]);
                if (e < 0) out[i] = (1 + e) * out[i] - e * std::min(out[i], -kSureLogit);
                if (e > 0) out[i] = (1 - e) * out[i] + e * std::max(out[i], kSureLogit);
            }
        });
    }
    geom::Box3f domain() const override { return learned_->domain(); }
    float gradient_step() const override { return learned_->gradient_step(); }
    float iso() const override { return learned_->iso(); }
    int octaves() const override { return learned_->octaves(); }
    float finest_cell() const override { return learned_->finest_cell(); }
    bool fitted() const override { return learned_->fitted(); }
    std::size_t memory_bytes() const override { return learned_->memory_bytes() + space_->memory_bytes(); }
    RefineReport refine(std::span<const Vec3f> points, const RefineOptions& options, Progress& progress) override {
        return learned_->refine(points, options, progress);
    }

private:
    std::unique_ptr<CascadeField> learned_;
    std::shared_ptr<const FreeSpace> space_;
};

}  // namespace

/// Calls f(cell, length that is left) for the cells along a ray inside the box; lengths in cells.
template <class F>
void FreeSpace::for_each_cell(Vec3f from, Vec3f direction, float length, const F& f) const {
    Vec3i c = floored(from), step{};
    Vec3f next{}, per_cell{};
    for (int a = 0; a < 3; ++a) {
        step[a] = direction[a] > 0 ? 1 : -1;
        const float border = static_cast<float>(direction[a] > 0 ? c[a] + 1 : c[a]);
        per_cell[a] = direction[a] != 0 ? 1 / std::abs(direction[a]) : std::numeric_limits<float>::infinity();
        next[a] = direction[a] != 0 ? (border - from[a]) / direction[a] : std::numeric_limits<float>::infinity();
    }
    for (float at = 0; at < length && holds(c);) {
        f(c);
        const int a = next.x <= next.y && next.x <= next.z ? 0 : next.y <= next.z ? 1 : 2;
        at = next[a];
        next[a] += per_cell[a];
        c[a] += step[a];
    }
}

FreeSpace::Rays FreeSpace::start(const geom::Box3f& box, float cell) {
    NIR_CHECK(cell > 0 && !box.empty());
    const Vec3d side(box.size());
    cell_ = std::max(cell, static_cast<float>(std::cbrt(side.x * side.y * side.z / kMostCells)));
    size_ = floored(box.size() / cell_) + Vec3i{1, 1, 1};
    const std::size_t n =
        static_cast<std::size_t>(size_.x) * static_cast<std::size_t>(size_.y) * static_cast<std::size_t>(size_.z);
    Rays rays;
    rays.front.resize(n), rays.behind.resize(n), rays.occupied.resize(n);
    return rays;
}

/// Which rays of a cell count depends on the order of its points, nothing on that of the cells.
void FreeSpace::count(Rays& rays, Vec3f point, const Vec3d* sensor) const {
    const auto count_in = [this](std::vector<std::uint8_t>& in) {
        return [this, &in](Vec3i c) {
            std::uint8_t& k = in[index(c)];
            k = static_cast<std::uint8_t>(std::min<int>(k + 1, kMostRays));
        };
    };
    const Vec3f q = (point - origin_) / cell_;
    const Vec3i c = floored(q);
    if (!holds(c)) return;
    std::uint8_t& here = rays.occupied[index(c)];
    here = std::max<std::uint8_t>(here, 1);
    if (!sensor || here > kMostRays) return;
    ++here;
    const auto s = static_cast<Vec3f>((*sensor - static_cast<Vec3d>(origin_)) / static_cast<double>(cell_));
    const float length = norm(s - q);
    if (!(length > 0)) return;
    const Vec3f d = (s - q) / length;
    if (length > kStop) for_each_cell(q + d * kStop, d, length - kStop, count_in(rays.front));
    for_each_cell(q - d * kBehindFrom, d * -1.0f, kBehind - kBehindFrom, count_in(rays.behind));
}

FreeSpace::FreeSpace(std::span<const Vec3f> points, const geom::Sensors& sensors, const geom::Box3f& box, float cell)
    : origin_(box.lo) {
    NIR_CHECK(sensors.of_point.size() == points.size());
    Rays rays = start(box, cell);
    for (std::size_t i = 0; i < points.size(); ++i)
        count(rays, points[i], sensors.knows(i) ? &sensors.positions[sensors.of_point[i]] : nullptr);
    conclude(std::move(rays));
}

FreeSpace::FreeSpace(const geom::PointSource& points, std::span<const Vec3d> sensors, const geom::Box3f& box,
                     float cell)
    : origin_(box.lo) {
    NIR_CHECK(points.has_sensors());
    Rays rays = start(box, cell);
    for_cell_blocks(points, origin_, cell_, 0, [&](const CellBlock& block) {
        const auto& found = block.found;
        for (std::size_t i = 0; i < found.points.size(); ++i) {
            const bool known = found.sensors[i] != geom::Sensors::kUnknownSensor;
            count(rays, found.points[i], known ? &sensors[found.sensors[i]] : nullptr);
        }
    });
    conclude(std::move(rays));
}

void FreeSpace::conclude(Rays&& rays) {
    const std::size_t n = rays.front.size();
    auto& front = rays.front;
    auto& behind = rays.behind;
    const auto& occupied = rays.occupied;
    std::vector<float> net(n), all(n);
    for (std::size_t k = 0; k < n; ++k) {
        const float f = kFrontWeight * static_cast<float>(front[k]), b = kBehindWeight * static_cast<float>(behind[k]);
        net[k] = b - f, all[k] = b + f;
    }
    front = {}, behind = {};
    smooth(net, size_, kRounds);
    smooth(all, size_, kRounds);
    evidence_.resize(n);
    for (std::size_t k = 0; k < n; ++k)
        evidence_[k] = static_cast<std::int8_t>(std::lround(127 * net[k] / (all[k] + kDoubt)));
    for (int z = 0; z < size_.z; ++z)
        for (int y = 0; y < size_.y; ++y)
            for (int x = 0; x < size_.x; ++x) {
                if (!occupied[index({x, y, z})]) continue;
                for (int k = 0; k < 27; ++k) {
                    const Vec3i c = Vec3i{x, y, z} + Vec3i{k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1};
                    if (holds(c)) evidence_[index(c)] = std::max<std::int8_t>(evidence_[index(c)], 0);
                }
            }
    for (std::size_t k = 0; k < n; ++k)
        if (occupied[k]) evidence_[k] = 0;
}

float FreeSpace::evidence(Vec3f place) const {
    const Vec3f q = (place - origin_) / cell_ - Vec3f{0.5f, 0.5f, 0.5f};
    for (int a = 0; a < 3; ++a)
        if (!(q[a] > -1 && q[a] < static_cast<float>(size_[a]))) return 0;
    const Vec3i lo = floored(q);
    const Vec3f t = q - static_cast<Vec3f>(lo);
    float sum = 0;
    for (int k = 0; k < 8; ++k) {
        const Vec3i step{k & 1, k >> 1 & 1, k >> 2};
        if (!holds(lo + step)) continue;
        sum += static_cast<float>(evidence_[index(lo + step)]) * (step.x ? t.x : 1 - t.x) * (step.y ? t.y : 1 - t.y) *
               (step.z ? t.z : 1 - t.z);
    }
    return sum / 127;
}

std::size_t FreeSpace::free_cells() const {
    return static_cast<std::size_t>(std::count_if(evidence_.begin(), evidence_.end(), [](int e) { return e < -63; }));
}

std::unique_ptr<CascadeField> carve_free_space(std::unique_ptr<CascadeField> learned,
                                               std::shared_ptr<const FreeSpace> space) {
    NIR_CHECK(learned && space);
    return std::make_unique<CarvedField>(std::move(learned), std::move(space));
}

}  // namespace nir::models
