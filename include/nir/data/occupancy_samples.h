// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/data/shape_generator.h"
#include "nir/data/training_targets.h"
#include "nir/data/training_window.h"
#include "nir/geom/image.h"
#include "nir/geom/shapes.h"
#include "nir/nn/observation_kind.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace nir::data {

/// Generated training set for models that work in the unit cube, after the published point cloud settings.
/// Ref: convonet2020 (supplementary), mescheder2019 §4.
struct OccupancyDataConfig {
    int points = 3000;     ///< of the observed cloud
    double noise = 0.005;  ///< standard deviation, the longest side of the shape is 1
    int queries = 2048;    ///< labelled points, uniform in the padded cube
    double padding = 0.1;  ///< the queries fill the cube of side 1 + padding
    int surface = 2048;    ///< points of the true surface, for models that ask for them
    void describe(ConfigVisitor& v);
};

/// One shape, its bounding box centred at 0 with longest side 1.
struct OccupancySample {
    std::vector<float> observation;  ///< [points,3]
    std::vector<float> queries;      ///< [queries,3]
    std::vector<float> occupancies;  ///< [queries] 0 or 1, from the sign of the closed form
    std::vector<float> surface;      ///< [surface,3] if asked for
    std::vector<float> voxels;       ///< [R,R,R] index [x][y][z], 0 or 1, if asked for
    TrainingWindow window{};         ///< with as many points as queries, if asked for
    std::string_view family;
};

/// Points are drawn with replacement from a clean uniform sample of the surface; noise is added afterwards. Targets
/// come on top: observation, queries and occupancies are the same with and without them.
OccupancySample make_occupancy_sample(const OccupancyDataConfig& config, Rng rng, const TrainingTargets& targets = {});

/// A shape with what a model is given of it and points with exact labels to judge the result, all in the frame of the
/// cloud.
struct LabelledScan {
    std::vector<Vec3f> cloud;
    double spacing = 0;                ///< sqrt(area / points)
    std::vector<Vec3f> uniform, near;  ///< in the shape's box padded by 10 % of its longest side; near its surface
    std::vector<std::uint8_t> uniform_inside, near_inside;
    std::vector<Vec3f> surface;  ///< clean points of the true surface, uniform by area; for models without a volume
    std::string_view family;
    nn::ObservationKind shown = nn::ObservationKind::points;  ///< what the model is given: the cloud, or one of these
    geom::VoxelGrid voxels{};
    geom::RgbImage image{};
    std::int64_t index = 0;
};

/// Moves a generated shape so that its box is centred at 0 with longest side exactly 1.
GeneratedShape fit_unit_cube(GeneratedShape shape);

/// Fills the labelled points of `scan` for this shape: n uniform ones, and n at surface points plus normal offsets of
/// standard deviation 1 % of the longest side, and up to n points of the surface.
void add_labels(LabelledScan& scan, const GeneratedShape& shape, std::size_t n, Rng& rng);

}  // namespace nir::data
