// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// What moves the weights of fields: networks as a whole, tables of hash grids level by level and where they were hit.
#pragma once

#include "nir/kernels/adam.h"
#include "nir/kernels/hash_grid.h"
#include "nir/kernels/sparse_adam.h"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace nir::render {

/// Adam of one network.
struct NetworkAdam {
    std::vector<float> gradient, first, second;
    explicit NetworkAdam(std::size_t n) : gradient(n), first(n), second(n) {}

    /// @param n number of the step, from 1
    void step(std::span<float> weights, double rate, double l2, std::size_t n) {
        for (std::size_t i = 0; i < weights.size(); ++i) gradient[i] += static_cast<float>(l2) * weights[i];
        kernels::AdamStep s;
        s.beta2 = 0.99, s.eps = 1e-15;
        s.step = rate / (1 - std::pow(s.beta1, static_cast<double>(n)));
        s.root = std::sqrt(1 - std::pow(s.beta2, static_cast<double>(n)));
        kernels::adam_step(s, weights, gradient, first, second);
    }
};

/// The numbers of one level in a table of all of them.
template <class Number>
std::span<Number> level_part(const kernels::HashGridLayout& grid, std::size_t level, std::span<Number> values) {
    const auto features = static_cast<std::size_t>(grid.features);
    return values.subspan(grid.levels[level].offset * features, grid.levels[level].entries * features);
}

/// Sparse Adam of a table. Levels are independent: one thread a level.
struct TableAdam {
    std::vector<float> gradient, moments;
    std::vector<std::uint16_t> steps;
    std::vector<std::vector<std::uint8_t>> touched;

    explicit TableAdam(const kernels::HashGridLayout& grid)
        : gradient(grid.parameters()), moments(2 * grid.parameters()), steps(grid.entries()) {
        for (const auto& level : grid.levels)
            touched.emplace_back((level.entries + kernels::kHashGridBlock - 1) / kernels::kHashGridBlock);
    }
    /// Adds the gradients of points. @param by_level [points, features]
    void add(const kernels::HashGridLayout& grid, std::size_t level, const kernels::PointArrays& points,
             std::span<const float> by_level) {
        kernels::hash_grid_scatter(grid, level, points, by_level, level_part(grid, level, std::span(gradient)),
                                   touched[level]);
    }
    /// Moves what was touched and clears its gradient. @param table, half of all levels
    void step(const kernels::HashGridLayout& grid, std::size_t level, double rate, std::span<float> table,
              std::span<std::uint16_t> half) {
        const auto features = static_cast<std::size_t>(grid.features);
        const kernels::HashGridLevel& l = grid.levels[level];
        kernels::SparseAdam adam;
        adam.learning_rate = static_cast<float>(rate);
        kernels::sparse_adam_step(adam, {features, level_part(grid, level, std::span(gradient)), touched[level],
                                         level_part(grid, level, table),
                                         std::span(moments).subspan(2 * l.offset * features, 2 * l.entries * features),
                                         std::span(steps).subspan(l.offset, l.entries), level_part(grid, level, half)});
    }
};

}  // namespace nir::render
