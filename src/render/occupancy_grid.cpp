// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/render/occupancy_grid.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/splitmix.h"

#include "render/visible_cells.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace nir::render {

using kernels::kCellsPerCascade;
using kernels::kOccupancyCells;

OccupancyGrid::OccupancyGrid(int cascades) : cascades_(cascades) {
    candidates_.resize(static_cast<std::size_t>(cascades) * kCellsPerCascade);
    for (std::size_t i = 0; i < candidates_.size(); ++i) candidates_[i] = static_cast<std::uint32_t>(i);
    values_.assign(candidates_.size(), -1.0f);
    bricks_.resize(static_cast<std::size_t>(cascades) * kernels::kBricksPerCascade);
    rebuild();
}

OccupancyGrid::OccupancyGrid(int cascades, std::vector<std::uint64_t> bricks)
    : cascades_(cascades), bricks_(std::move(bricks)) {
    NIR_CHECK(bricks_.size() == static_cast<std::size_t>(cascades) * kernels::kBricksPerCascade);
    for (std::size_t i = 0; i < bricks_.size() * 64; ++i)
        if ((bricks_[i / 64] >> (i % 64)) & 1) candidates_.push_back(static_cast<std::uint32_t>(i));
    values_.assign(candidates_.size(), -1.0f);
}

OccupancyGrid::OccupancyGrid(int cascades, std::vector<std::uint32_t> candidates, std::vector<float> values)
    : cascades_(cascades), candidates_(std::move(candidates)), values_(std::move(values)) {
    if (cascades < 1 || cascades > kernels::kMostCascades || candidates_.size() != values_.size() ||
        !std::is_sorted(candidates_.begin(), candidates_.end()) ||
        (!candidates_.empty() && candidates_.back() >= static_cast<std::size_t>(cascades) * kCellsPerCascade))
        fail(ErrorKind::format, "cells and values of the occupancy grid do not fit {} cascades", cascades);
    bricks_.resize(static_cast<std::size_t>(cascades) * kernels::kBricksPerCascade);
    rebuild();
}

std::size_t OccupancyGrid::carve(const std::vector<PosedView>& views, const FieldFrame& frame, std::size_t fewest) {
    candidates_ = visible_cells(views, frame, cascades_, 2, fewest);
    values_.assign(candidates_.size(), -1.0f);
    rebuild();
    return candidates_.size();
}

geom::Box3d hull_box(const std::vector<PosedView>& views, const FieldFrame& frame) {
    geom::Box3d box;
    for (const std::uint32_t cell : visible_cells(views, frame, 1, 4)) {
        const auto at = kernels::occupancy_position(cell);
        const auto corner = [&](std::uint32_t up) {
            const auto part = [&](std::size_t a) { return static_cast<double>(at[a] + up) / kOccupancyCells; };
            return frame.world_from_field({part(0), part(1), part(2)});
        };
        box.extend(corner(0)), box.extend(corner(1));
    }
    return box;
}

void OccupancyGrid::update(const RadianceField& field, std::size_t phase, std::size_t phases, float decay,
                           std::uint64_t seed) {
    if (candidates_.size() <= phase) return;
    const std::size_t count = (candidates_.size() - phase + phases - 1) / phases;
    parallel_for(count, 4096, [&](std::size_t begin, std::size_t end) {
        const std::size_t n = end - begin;
        std::vector<float> x(n), y(n), z(n), density(n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t index = candidates_[phase + (begin + i) * phases];
            const auto at = kernels::occupancy_position(static_cast<std::uint32_t>(index % kCellsPerCascade));
            const float side =
                static_cast<float>(1 << (index / kCellsPerCascade)) / static_cast<float>(1 << (cascades_ - 1));
            std::uint64_t random = splitmix64(seed ^ splitmix64(index));
            const auto place = [&](std::size_t a) {
                const float jitter = static_cast<float>(random & 0xFFFFF) * 0x1p-20f;
                random >>= 20;
                return ((static_cast<float>(at[a]) + jitter) / kOccupancyCells - 0.5f) * side + 0.5f;
            };
            x[i] = place(0), y[i] = place(1), z[i] = place(2);
        }
        field.level_values({x, y, z}, density);
        for (std::size_t i = 0; i < n; ++i) {
            float& value = values_[phase + (begin + i) * phases];
            const float now = field.step_thickness(density[i]);
            value = value < 0 ? now : std::max(decay * value, now);
        }
    });
    rebuild();
}

void OccupancyGrid::rebuild() {
    double sum = 0;
    for (std::size_t i = 0; i < candidates_.size() && candidates_[i] < kCellsPerCascade; ++i)
        sum += static_cast<double>(std::max(values_[i], 0.0f));
    const float mean = static_cast<float>(sum / static_cast<double>(kCellsPerCascade));
    const float threshold = std::min(kThreshold, mean);
    std::fill(bricks_.begin(), bricks_.end(), 0);
    for (std::size_t i = 0; i < candidates_.size(); ++i)
        if (values_[i] < 0 || values_[i] > threshold)
            bricks_[candidates_[i] / 64] |= std::uint64_t{1} << (candidates_[i] % 64);
}

std::size_t OccupancyGrid::occupied() const {
    std::size_t n = 0;
    for (const std::uint64_t brick : bricks_) n += static_cast<std::size_t>(std::popcount(brick));
    return n;
}

}  // namespace nir::render
