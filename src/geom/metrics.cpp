// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/metrics.h"

#include "nir/base/error.h"
#include "nir/geom/kd_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nir::geom {
namespace {

double mean(std::span<const double> values) {
    double sum = 0.0;
    for (const double v : values) sum += v;
    return sum / static_cast<double>(values.size());
}

double mean_of(std::span<const double> values, double (*f)(double)) {
    double sum = 0.0;
    for (const double v : values) sum += f(v);
    return sum / static_cast<double>(values.size());
}

double square(double v) { return v * v; }
double absolute(double v) { return std::abs(v); }

std::optional<double> both(std::optional<double> a, std::optional<double> b) {
    if (!a || !b) return std::nullopt;
    return 0.5 * (*a + *b);
}

}  // namespace

DirectedDistances nearest_distances(const OrientedPoints& from, const OrientedPoints& to) {
    DirectedDistances out;
    if (from.points.empty()) return out;
    if (to.points.empty()) fail(ErrorKind::input, "distances to an empty set of points are not defined");
    const KdTree tree(to.points);
    std::vector<Neighbor> found(from.points.size());
    tree.nearest(from.points, found);
    out.distances.reserve(found.size());
    for (const auto& n : found) out.distances.push_back(std::sqrt(n.squared_distance));
    if (from.normals.empty() || to.normals.empty()) return out;
    NIR_CHECK(from.normals.size() == from.points.size() && to.normals.size() == to.points.size());
    out.normal_dots.reserve(found.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        out.normal_dots.push_back(
            dot(normalized(Vec3d(from.normals[i])), normalized(Vec3d(to.normals[found[i].index]))));
    return out;
}

std::optional<double> SurfaceMetrics::normal_consistency() const {
    return both(normals_accuracy, normals_completeness);
}
std::optional<double> SurfaceMetrics::normal_consistency_signed() const {
    return both(normals_accuracy_signed, normals_completeness_signed);
}

SurfaceMetrics surface_metrics(const DirectedDistances& prediction_to_truth,
                               const DirectedDistances& truth_to_prediction, std::span<const double> thresholds) {
    const auto& p = prediction_to_truth;
    const auto& t = truth_to_prediction;
    NIR_CHECK(!p.distances.empty() && !t.distances.empty());
    SurfaceMetrics m;
    m.accuracy = mean(p.distances), m.completeness = mean(t.distances);
    m.accuracy_l2 = mean_of(p.distances, square), m.completeness_l2 = mean_of(t.distances, square);
    m.hausdorff_99 = std::max(percentile(p.distances, 99.0), percentile(t.distances, 99.0));
    m.hausdorff_max = std::max(*std::max_element(p.distances.begin(), p.distances.end()),
                               *std::max_element(t.distances.begin(), t.distances.end()));
    if (!p.normal_dots.empty() && !t.normal_dots.empty()) {
        m.normals_accuracy = mean_of(p.normal_dots, absolute),
        m.normals_completeness = mean_of(t.normal_dots, absolute);
        m.normals_accuracy_signed = mean(p.normal_dots), m.normals_completeness_signed = mean(t.normal_dots);
    }
    for (const double threshold : thresholds)
        m.f_scores.push_back({threshold, share_within(p.distances, threshold), share_within(t.distances, threshold)});
    return m;
}

double percentile(std::vector<double> values, double percent) {
    if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
    const double at = std::clamp(percent, 0.0, 100.0) / 100.0 * static_cast<double>(values.size() - 1);
    const auto i = static_cast<std::ptrdiff_t>(at);
    std::nth_element(values.begin(), values.begin() + i, values.end());
    const double lower = values[static_cast<std::size_t>(i)];
    if (static_cast<std::size_t>(i) + 1 == values.size()) return lower;
    const double upper = *std::min_element(values.begin() + i + 1, values.end());
    return lower + (upper - lower) * (at - static_cast<double>(i));
}

double share_within(std::span<const double> values, double threshold) {
    if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
    const auto n = std::count_if(values.begin(), values.end(), [&](double v) { return v <= threshold; });
    return static_cast<double>(n) / static_cast<double>(values.size());
}

double intersection_over_union(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b,
                               std::span<const double> weights) {
    NIR_CHECK(a.size() == b.size() && (weights.empty() || weights.size() == a.size()));
    double intersection = 0.0, in_either = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double w = weights.empty() ? 1.0 : weights[i];
        if (a[i] != 0 && b[i] != 0) intersection += w;
        if (a[i] != 0 || b[i] != 0) in_either += w;
    }
    return in_either > 0.0 ? intersection / in_either : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace nir::geom
