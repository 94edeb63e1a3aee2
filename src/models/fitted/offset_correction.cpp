// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/fitted/offset_correction.h"

#include "nir/base/error.h"

#include <algorithm>

namespace nir::models {

using geom::Vec3f;

namespace {

constexpr int kScales = 3;

}  // namespace

OffsetCorrection::OffsetCorrection(std::span<const Vec3f> points, Vec3f origin, float cell) {
    for (int k = kScales; k-- > 0;) {
        Level level;
        level.lattice = SparseLattice(points, origin, cell * static_cast<float>(1 << k));
        level.offset.assign(level.lattice.nodes(), 0.0f);
        levels_.push_back(std::move(level));
    }
}

void OffsetCorrection::apply(int scale, std::span<const Vec3f> places, std::span<const float> wanted, float prior) {
    NIR_CHECK(scale >= 0 && scale < scales() && places.size() == wanted.size());
    changed_ = static_cast<std::size_t>(scale);
    Level& level = levels_[changed_];
    before_ = level.offset;
    was_used_ = level.used, level.used = true;
    std::vector<float> sum(level.lattice.nodes(), 0.0f), weight(level.lattice.nodes(), prior);
    for (std::size_t i = 0; i < places.size(); ++i) {
        const SparseLattice::Corners c = level.lattice.corners(places[i]);
        for (std::size_t k = 0; k < 8; ++k) {
            if (c.node[k] < 0) continue;
            sum[static_cast<std::size_t>(c.node[k])] += c.weight[k] * wanted[i];
            weight[static_cast<std::size_t>(c.node[k])] += c.weight[k];
        }
    }
    for (std::size_t n = 0; n < sum.size(); ++n) level.offset[n] += sum[n] / std::max(weight[n], 1e-6f);
}

void OffsetCorrection::undo() {
    levels_[changed_].offset = before_;
    levels_[changed_].used = was_used_;
}

template <class F>
void OffsetCorrection::for_each_node(Vec3f place, const F& f) const {
    for (const Level& level : levels_) {
        if (!level.used) continue;
        level.lattice.for_each_spline(place, [&](std::int32_t node, float weight, Vec3f gradient) {
            f(level.offset[static_cast<std::size_t>(node)], weight, gradient);
        });
    }
}

float OffsetCorrection::value(Vec3f place) const {
    float sum = 0;
    for_each_node(place, [&](float offset, float weight, Vec3f) { sum += offset * weight; });
    return sum;
}

Vec3f OffsetCorrection::gradient(Vec3f place) const {
    Vec3f sum{};
    for_each_node(place, [&](float offset, float, Vec3f g) { sum += g * offset; });
    return sum;
}

std::size_t OffsetCorrection::memory_bytes() const {
    std::size_t bytes = 0;
    for (const Level& level : levels_) bytes += level.lattice.memory_bytes() + level.offset.size() * sizeof(float);
    return bytes;
}

}  // namespace nir::models
