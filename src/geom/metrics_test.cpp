// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/metrics.h"

#include "nir/base/error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nir::geom {
namespace {

TEST(Metrics, TwoPointSetsByHand) {
    const std::vector<Vec3d> pred = {{0, 0, 0}, {1, 0, 0}}, truth = {{0, 0, 3}, {1, 0, 4}, {1, 4, 0}};
    const std::vector<Vec3f> pn = {{0, 0, 2}, {0, 0, 1}}, tn = {{0, 0, -1}, {0, 3, 4}, {1, 0, 0}};
    const auto to_truth = nearest_distances({pred, pn}, {truth, tn});
    const auto to_pred = nearest_distances({truth, tn}, {pred, pn});
    EXPECT_EQ(to_truth.distances[0], 3.0);
    EXPECT_NEAR(to_truth.distances[1], std::sqrt(10.0), 1e-15);
    EXPECT_EQ(to_pred.distances, (std::vector<double>{3.0, 4.0, 4.0}));
    EXPECT_EQ(to_truth.normal_dots, (std::vector<double>{-1.0, -1.0}));
    EXPECT_NEAR(to_pred.normal_dots[1], 0.8, 1e-7);

    const std::vector<double> thresholds = {1.0, 3.0, 3.5, 4.0};
    const auto m = surface_metrics(to_truth, to_pred, thresholds);
    EXPECT_NEAR(m.accuracy, (3.0 + std::sqrt(10.0)) / 2.0, 1e-15);
    EXPECT_NEAR(m.completeness, 11.0 / 3.0, 1e-15);
    EXPECT_NEAR(m.chamfer_l2(), 0.5 * (9.5 + 41.0 / 3.0), 1e-14);
    EXPECT_NEAR(*m.normal_consistency(), 0.5 * (1.0 + (1.0 + 0.8 + 0.0) / 3.0), 1e-7);
    EXPECT_NEAR(*m.normal_consistency_signed(), 0.5 * (-1.0 + (-1.0 + 0.8 + 0.0) / 3.0), 1e-7);
    EXPECT_EQ(m.f_scores[0].value(), 0.0);
    EXPECT_NEAR(m.f_scores[1].value(), 2.0 * 0.5 / 3.0 / (0.5 + 1.0 / 3.0), 1e-15);
    EXPECT_NEAR(m.f_scores[2].value(), 2.0 * 1.0 / 3.0 / (1.0 + 1.0 / 3.0), 1e-15);
    EXPECT_EQ(m.f_scores[3].value(), 1.0);
    EXPECT_EQ(m.hausdorff_max, 4.0);
}

TEST(Metrics, NormalsAreOptional) {
    const std::vector<Vec3d> p = {{0, 0, 0}};
    const auto d = nearest_distances({p, {}}, {p, {}});
    EXPECT_TRUE(d.normal_dots.empty());
    EXPECT_FALSE(surface_metrics(d, d, {}).normal_consistency().has_value());
    EXPECT_TRUE(nearest_distances({}, {}).distances.empty());
    EXPECT_THROW(nearest_distances({p, {}}, {}), Error);
    EXPECT_THROW(surface_metrics({}, d, {}), Error);
}

TEST(Metrics, PercentileInterpolatesLikeNumpy) {
    EXPECT_DOUBLE_EQ(percentile({4, 1, 3, 2}, 50), 2.5);
    EXPECT_DOUBLE_EQ(percentile({4, 1, 3, 2}, 99), 3.97);
    EXPECT_DOUBLE_EQ(percentile({4, 1, 3, 2}, 100), 4.0);
    EXPECT_DOUBLE_EQ(percentile({7}, 30), 7.0);
    EXPECT_TRUE(std::isnan(percentile({}, 50)));
}

TEST(Metrics, IntersectionOverUnion) {
    const std::vector<std::uint8_t> a = {1, 1, 0, 0}, b = {1, 0, 1, 0}, none(4);
    EXPECT_DOUBLE_EQ(intersection_over_union(a, b), 1.0 / 3.0);
    const std::vector<double> w = {3, 1, 2, 100};
    EXPECT_DOUBLE_EQ(intersection_over_union(a, b, w), 0.5);
    EXPECT_DOUBLE_EQ(intersection_over_union(a, none), 0.0);
    EXPECT_TRUE(std::isnan(intersection_over_union(none, none)));
}

}  // namespace
}  // namespace nir::geom
