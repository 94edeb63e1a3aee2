// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/hash_grid.h"
#include "nir/kernels/small_mlp.h"

#include <cstdint>
#include <span>
#include <vector>

namespace nir::render {

/// What the first output of the density network means.
enum class FieldShape {
    density,    ///< logarithm of the density: NeRF, instant-ngp
    distance,   ///< a signed distance, rendered by its logistic function: NeuS
    occupancy,  ///< the logit of the occupancy, which is the opacity of a sample: UNISURF
};

struct RadianceFieldConfig {
    kernels::HashGridConfig grid;
    int hidden = 64;   ///< width of the hidden layers, a multiple of 16
    int cascades = 1;  ///< the field covers [0.5 - 2^(cascades-1) / 2, 0.5 + …]³ of its frame
    FieldShape shape = FieldShape::density;
};

/// Density and colour at every point: a hash grid, a network of one hidden layer that gives 16 numbers, the first of
/// them the logarithm of the density, and a network of two hidden layers that turns these and the direction (spherical
/// harmonics) into colour. No biases. Ref: mueller2022 §5.4; the layout of instant-ngp's configs/nerf/base.json.
/// Fields with a surface take the first number as what is to be added to a ball, so that they begin as one:
/// distance = |p - 1/2| - 1/4 - raw / 10 in sides of the cube, logit = -40 distance. Their finer levels are 0 at first.
/// Ref: wang2021 (NeuS); oechsle2021 (UNISURF).
struct RadianceField {
    static constexpr std::size_t kDensityOutputs = 16;
    static constexpr float kBallRadius = 0.25f, kRawScale = 0.1f, kLogitScale = 40;
    static constexpr std::size_t kFirstLevels = 4;  ///< of fields with a surface: those that are learned at first

    RadianceFieldConfig config;
    kernels::HashGridLayout grid;
    kernels::SmallMlp density_net, colour_net;
    std::vector<float> table;                            ///< [entries, features]
    std::vector<std::uint16_t> half_table;               ///< the same as IEEE halves: what is gathered from
    std::vector<float> density_weights, colour_weights;  ///< see kernels/small_mlp.h
    std::vector<float> density_packed, colour_packed;
    float sharpness = 20;  ///< FieldShape::distance: 1 / width of the logistic function, per side of the cube

    /// Table U(-1e-4, 1e-4), networks Xavier uniform. @throws Error{config}.
    explicit RadianceField(const RadianceFieldConfig& config, std::uint64_t seed = 0);

    /// Brings the packed networks up to date after their weights have changed.
    void pack_networks();
    /// Brings half_table up to date after table has changed (the trainer keeps it so by itself).
    void refresh_halves();
    std::size_t parameters() const { return table.size() + density_weights.size() + colour_weights.size(); }

    bool has_surface() const { return config.shape != FieldShape::density; }
    /// What grows into the solid, from the network's first output at a point (relative to the outermost cube): the
    /// logarithm of the density (per length of the frame's side), the distance behind the surface (sides of the cube),
    /// the logit of the occupancy. The surface of the last two is at 0.
    float level_value(float x, float y, float z, float raw) const;
    /// Its derivative with respect to the network's output.
    float level_slope() const;
    /// Optical thickness of a step of sqrt(3) / 1024 at a place of that value, for the occupancy grid. With a signed
    /// distance: where the cell is nearest to the surface, ten times, as the surface has to find its way.
    float step_thickness(float level_value) const;

    /// level_value at points given relative to the outermost cube. On the calling thread.
    void level_values(const kernels::PointArrays& points, std::span<float> out) const;
    /// Colour [N, 3] in 0..1 and level_value [N] at points, seen along unit directions.
    void query(const kernels::PointArrays& points, const kernels::PointArrays& directions, std::span<float> rgb,
               std::span<float> level_values) const;
};

}  // namespace nir::render
