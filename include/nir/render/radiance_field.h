// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/hash_grid.h"
#include "nir/kernels/small_mlp.h"

#include <cstdint>
#include <span>
#include <vector>

namespace nir::render {

struct RadianceFieldConfig {
    kernels::HashGridConfig grid;
    int hidden = 64;   ///< width of the hidden layers, a multiple of 16
    int cascades = 1;  ///< the field covers [0.5 - 2^(cascades-1) / 2, 0.5 + …]³ of its frame
};

/// Density and colour at every point: a hash grid, a network of one hidden layer that gives 16 numbers, the first of
/// them the logarithm of the density, and a network of two hidden layers that turns these and the direction (spherical
/// harmonics) into colour. No biases. Ref: mueller2022 §5.4; the layout of instant-ngp's configs/nerf/base.json.
struct RadianceField {
    static constexpr std::size_t kDensityOutputs = 16;

    RadianceFieldConfig config;
    kernels::HashGridLayout grid;
    kernels::SmallMlp density_net, colour_net;
    std::vector<float> table;                            ///< [entries, features]
    std::vector<std::uint16_t> half_table;               ///< the same as IEEE halves: what is gathered from
    std::vector<float> density_weights, colour_weights;  ///< see kernels/small_mlp.h
    std::vector<float> density_packed, colour_packed;

    /// Table U(-1e-4, 1e-4), networks Xavier uniform. @throws Error{config}.
    explicit RadianceField(const RadianceFieldConfig& config, std::uint64_t seed = 0);

    /// Brings the packed networks up to date after their weights have changed.
    void pack_networks();
    /// Brings half_table up to date after table has changed (the trainer keeps it so by itself).
    void refresh_halves();
    std::size_t parameters() const { return table.size() + density_weights.size() + colour_weights.size(); }

    /// Logarithm of the density (per length of the frame's side) at points given relative to the outermost cube.
    /// On the calling thread.
    void log_density(const kernels::PointArrays& points, std::span<float> out) const;
    /// Colour [N, 3] in 0..1 and log density [N] at points, seen along unit directions.
    void query(const kernels::PointArrays& points, const kernels::PointArrays& directions, std::span<float> rgb,
               std::span<float> log_density) const;
};

}  // namespace nir::render
