// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/spacing.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/base/stop.h"
#include "nir/geom/kd_tree.h"

#include "geom/chunked_sort.h"
#include "geom/noise.h"
#include "geom/scan_access.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <tuple>

namespace nir::geom {
namespace {

constexpr std::size_t kNoiseQueries = 2000;
constexpr int kMortonBits = 21;  // per axis
constexpr std::size_t kGrain = 8192;

double quantile(std::vector<double>& v, double q) {
    const auto i = static_cast<std::size_t>(q * static_cast<double>(v.size() - 1) + 0.5);
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(i), v.end());
    return v[i];
}

/// Number of surface cells N that explains `occupied` = N (1 - exp(-points / N)).
double saturated_cells(double occupied, double points) {
    if (occupied >= points) return std::numeric_limits<double>::infinity();  // one point a cell says nothing
    double lo = occupied, hi = occupied * 1e6;
    for (int i = 0; i < 100; ++i) {
        const double n = std::sqrt(lo * hi);
        (n * -std::expm1(-points / n) < occupied ? lo : hi) = n;
    }
    return lo;
}

/// Median residual of quadrics through neighbourhoods of k points each.
double median_noise(const NearestRows& rows) {
    const std::size_t queries = rows.count(), step = (queries + kNoiseQueries - 1) / kNoiseQueries;
    std::vector<double> noise((queries + step - 1) / step);
    parallel_for(noise.size(), 64, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i)
            noise[i] = quadric_residual(std::span(rows.places).subspan(i * step * rows.k, rows.k));
    });
    return quantile(noise, 0.5);
}

}  // namespace

bool is_usable(Vec3d p) {
    constexpr double kHuge = 1e100;  // squares of distances must stay finite
    return std::abs(p.x) < kHuge && std::abs(p.y) < kHuge && std::abs(p.z) < kHuge;
}

std::vector<std::uint32_t> unique_points(std::span<const Vec3d> points) {
    std::vector<std::uint32_t> order;
    order.reserve(points.size());
    for (std::size_t i = 0; i < points.size(); ++i)
        if (is_usable(points[i])) order.push_back(static_cast<std::uint32_t>(i));
    sort_in_chunks(std::span(order), [&](std::uint32_t a, std::uint32_t b) {
        const Vec3d &p = points[a], &q = points[b];
        return std::tie(p.x, p.y, p.z, a) < std::tie(q.x, q.y, q.z, b);
    });
    order.erase(std::unique(order.begin(), order.end(),
                            [&](std::uint32_t a, std::uint32_t b) { return points[a] == points[b]; }),
                order.end());
    sort_in_chunks(std::span(order));
    return order;
}

NearestRows nearest_rows(const KdTree& tree, std::span<const Vec3d> points, std::size_t k) {
    const std::size_t step = (points.size() + kMaxQueries - 1) / kMaxQueries;
    std::vector<Vec3d> queries;
    for (std::size_t i = 0; i < points.size(); i += step) queries.push_back(points[i]);
    NearestRows rows;
    rows.k = std::min(points.size(), k + 1);
    std::vector<Neighbor> found(queries.size() * rows.k);
    tree.nearest(queries, rows.k, found);
    rows.squared.reserve(found.size()), rows.places.reserve(found.size());
    for (const auto& n : found) rows.squared.push_back(n.squared_distance), rows.places.push_back(points[n.index]);
    return rows;
}

SpacingEstimate spacing_from(std::size_t points, const NearestRows& rows) {
    SpacingEstimate out;
    out.points = points;
    const std::size_t k = rows.k;
    std::vector<double> nearest(rows.count()), disc(rows.count());
    for (std::size_t i = 0; i < nearest.size(); ++i) {
        nearest[i] = std::sqrt(rows.squared[i * k + 1]);
        disc[i] = std::numbers::pi * rows.squared[i * k + k - 1] / static_cast<double>(k - 1);
    }
    out.nearest = quantile(nearest, 0.5);
    out.nearest_p10 = quantile(nearest, 0.1);
    out.nearest_p90 = quantile(nearest, 0.9);
    const double clip = quantile(disc, 0.98);
    double sum = 0.0;
    for (const double d : disc) sum += std::min(d, clip);
    const double area_per_point = sum / static_cast<double>(disc.size());
    out.surface = std::sqrt(area_per_point);
    out.area = area_per_point * static_cast<double>(points);
    out.noise = median_noise(rows);
    return out;
}

std::vector<SpacingEstimate::Octave> count_octaves(std::span<const Vec3d> points) {
    Box3d box;
    for (const auto& p : points) box.extend(p);
    const double side = box.longest_side();
    if (!(side > 0.0) || !std::isfinite(side)) return {};
    std::vector<std::uint64_t> keys(points.size());
    constexpr double kCells = 1 << kMortonBits;
    parallel_for(points.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            std::uint64_t key = 0;
            for (int a = 0; a < 3; ++a) {
                const double t = std::min((points[i][a] - box.lo[a]) / side * kCells, kCells - 1.0);
                key |= spread_bits(static_cast<std::uint64_t>(t)) << a;
            }
            keys[i] = key;
        }
    });
    sort_in_chunks(std::span(keys));
    std::vector<SpacingEstimate::Octave> out;
    const auto n = static_cast<double>(points.size());
    for (int level = 1; level <= kMortonBits; ++level) {
        check_stop();
        const int shift = 3 * (kMortonBits - level);
        std::size_t occupied = 1;
        for (std::size_t i = 1; i < keys.size(); ++i) occupied += std::size_t{keys[i] >> shift != keys[i - 1] >> shift};
        const auto cells = static_cast<double>(occupied);
        if (n / cells < 1.5) break;
        const double cell = side / std::exp2(level);
        out.push_back({cell, occupied, n / cells, saturated_cells(cells, n) * cell * cell / 1.5});
    }
    return out;
}

SpacingEstimate estimate_spacing(std::span<const Vec3d> points) {
    if (points.size() < 2) {
        SpacingEstimate none;
        none.points = points.size();
        return none;
    }
    SpacingEstimate out = spacing_from(points.size(), nearest_rows(KdTree(points), points, kAreaNeighbors));
    out.octaves = count_octaves(points);
    return out;
}

}  // namespace nir::geom
