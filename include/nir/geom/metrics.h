// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/vec.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace nir::geom {

/// Points of a surface; normals are empty or as long as points and are normalised where they are compared.
struct OrientedPoints {
    std::span<const Vec3d> points;
    std::span<const Vec3f> normals;
};

/// Distances of every point of one set to the nearest point of another, and how well the normals agree there.
struct DirectedDistances {
    std::vector<double> distances;
    std::vector<double> normal_dots;  ///< signed cosine; empty if one of the sets has no normals
};

/// @param from [N] may be empty. @throws Error{input} if `to` is empty while `from` is not, or a point is not finite.
DirectedDistances nearest_distances(const OrientedPoints& from, const OrientedPoints& to);

/// Share of surface within a distance: precision of the prediction, recall of the truth, their harmonic mean.
struct FScore {
    double threshold = 0.0, precision = 0.0, recall = 0.0;
    /// 2 P R / (P + R); 0 if both are 0.
    double value() const { return precision + recall > 0.0 ? 2.0 * precision * recall / (precision + recall) : 0.0; }
};

/// Figures of two directed distance sets, prediction -> truth (accuracy) and truth -> prediction (completeness).
struct SurfaceMetrics {
    double accuracy = 0.0, completeness = 0.0;        ///< mean distance, not squared
    double accuracy_l2 = 0.0, completeness_l2 = 0.0;  ///< mean squared distance
    double hausdorff_99 = 0.0, hausdorff_max = 0.0;   ///< larger of both directions; 99th percentile, maximum
    std::optional<double> normals_accuracy, normals_completeness;                ///< mean |cosine|
    std::optional<double> normals_accuracy_signed, normals_completeness_signed;  ///< mean cosine
    std::vector<FScore> f_scores;                                                ///< one per threshold asked for

    double chamfer_l1() const { return 0.5 * (accuracy + completeness); }
    double chamfer_l2() const { return 0.5 * (accuracy_l2 + completeness_l2); }
    std::optional<double> normal_consistency() const;
    std::optional<double> normal_consistency_signed() const;
};

/// Both directions must hold at least one distance. @throws Error{internal} otherwise.
SurfaceMetrics surface_metrics(const DirectedDistances& prediction_to_truth,
                               const DirectedDistances& truth_to_prediction, std::span<const double> thresholds);

/// Percentile in 0..100 with linear interpolation between order statistics (numpy's default). Empty input: NaN.
double percentile(std::vector<double> values, double percent);
/// Share of values <= threshold. Empty input: NaN.
double share_within(std::span<const double> values, double threshold);

/// |a and b| / |a or b| over samples of equal number; weights empty (all equal) or as long. NaN if both are empty sets.
double intersection_over_union(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b,
                               std::span<const double> weights = {});

}  // namespace nir::geom
