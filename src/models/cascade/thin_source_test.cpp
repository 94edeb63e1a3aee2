// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/thin_source.h"

#include "nir/base/rng.h"
#include "nir/geom/point_tiles.h"

#include "models/cascade/octave_encoder.h"
#include "models/fitted/fitted_field.h"

#include <gtest/gtest.h>

namespace nir::models {
namespace {

using geom::Vec3f;

TEST(ThinSource, KeepsWhatThinningAllPointsKeeps) {
    Rng rng(11);
    std::vector<Vec3f> points;
    for (int i = 0; i < 1200000; ++i)  // more than are looked at together
        points.push_back({static_cast<float>(rng.uniform(-1, 1)), static_cast<float>(rng.uniform(-1, 1)),
                          static_cast<float>(0.01 * rng.uniform())});
    points.push_back(points[3]);
    const geom::PointTiles tiles(points, 0.03f);
    for (const float cell : {0.3f, 0.013f, 0.0021f}) {
        const Vec3f origin{-1.7f, -1.3f, -0.4f};
        EXPECT_TRUE(thin_source(tiles, origin, cell) == thin_points(points, origin, cell)) << cell;
    }
}

TEST(ThinSource, FoldsAreThoseOfAllPoints) {
    Rng rng(12);
    std::vector<Vec3f> points;  // a sheet, and two sheets close together
    for (int i = 0; i < 510000; ++i)
        points.push_back({static_cast<float>(rng.uniform(-1, 1)), static_cast<float>(rng.uniform(-1, 1)),
                          i % 3 == 0   ? 0.0f
                          : i % 3 == 1 ? 0.5f
                                       : 0.512f});
    const geom::PointTiles tiles(points, 0.03f);
    const Vec3f origin = points[0];
    for (const float cell : {0.013f, 0.009f}) {
        const double share = share_of_folds(tiles, origin, cell, 2.5f);
        EXPECT_EQ(share, share_of_folds(thin_source(tiles, origin, cell / 2.5f), origin, cell)) << cell;
        EXPECT_GT(share, 0.01);
        EXPECT_LT(share, 0.99);
    }
}

}  // namespace
}  // namespace nir::models
