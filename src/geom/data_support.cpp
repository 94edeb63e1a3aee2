// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/data_support.h"

#include "nir/base/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

constexpr std::size_t kNeighbors = 16;
constexpr double kSparse = 3;       ///< spacings of the whole from which on points have to form sheets
constexpr double kVerySparse = 10;  ///< and from which on planes
constexpr double kNoPlane = 0.08;
constexpr double kAlone = 4;  ///< own spacing over that of its neighbourhood, from which on a point belongs to nothing
constexpr double kNoSheet = 0.36;     ///< variance ratio from which on they do not
constexpr double kNeighborhoods = 5;  ///< local spacings that the 16th neighbours of 16th neighbours are away
constexpr std::size_t kBlock = 4096;  ///< points looked at together: bounds the memory

/// Ascending, each once.
std::vector<std::uint32_t> unique(std::vector<std::uint32_t> indices) {
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    return indices;
}

std::vector<Vec3d> places(std::span<const Vec3d> points, std::span<const std::uint32_t> which) {
    std::vector<Vec3d> out;
    out.reserve(which.size());
    for (const auto i : which) out.push_back(points[i]);
    return out;
}

/// Variance of points along their thinnest axis over that along the second one: 0 plane, up to 1.
float thickness(std::span<const Vec3d> points, std::span<const Neighbor> which) {
    Vec3d mean{};
    for (const auto& n : which) mean += points[n.index];
    mean = mean / static_cast<double>(which.size());
    std::array<double, 6> s{};
    for (const auto& n : which) {
        const Vec3d d = points[n.index] - mean;
        s[0] += d.x * d.x, s[1] += d.y * d.y, s[2] += d.z * d.z;
        s[3] += d.x * d.y, s[4] += d.x * d.z, s[5] += d.y * d.z;
    }
    const double third = (s[0] + s[1] + s[2]) / 3, off = s[3] * s[3] + s[4] * s[4] + s[5] * s[5];
    const double xx = s[0] - third, yy = s[1] - third, zz = s[2] - third;
    const double p = std::sqrt((xx * xx + yy * yy + zz * zz + 2 * off) / 6);
    if (!(p > 0)) return third > 0 ? 1.0f : 0.0f;
    const double det =
        xx * (yy * zz - s[5] * s[5]) - s[3] * (s[3] * zz - s[5] * s[4]) + s[4] * (s[3] * s[5] - yy * s[4]);
    const double angle = std::acos(std::clamp(det / (2 * p * p * p), -1.0, 1.0)) / 3;
    const double largest = third + 2 * p * std::cos(angle);
    const double smallest = third + 2 * p * std::cos(angle + 2 * std::numbers::pi / 3);
    const double middle = 3 * third - largest - smallest;
    return middle > 0 ? static_cast<float>(std::max(0.0, smallest) / middle) : 0.0f;
}

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace

std::vector<LocalSpacing> local_spacing(std::span<const Vec3d> points, const KdTree& tree,
                                        std::span<const std::uint32_t> which, double floor) {
    NIR_CHECK(tree.size() == points.size());
    const std::size_t k = std::min(kNeighbors + 1, points.size());  // the first is the point itself
    std::vector<LocalSpacing> out(which.size(), {floor, floor});
    if (k < 2) return out;
    std::vector<double> row(k);
    std::vector<float> raw(points.size(), -1), thick(points.size(), 0);  // found so far
    std::vector<Neighbor> around, rows;
    for (std::size_t first = 0; first < which.size(); first += kBlock) {
        const auto block = which.subspan(first, std::min(kBlock, which.size() - first));
        around.resize(block.size() * k);
        tree.nearest(places(points, block), k, around);
        std::vector<std::uint32_t> needed;
        for (const auto& n : around)
            if (raw[n.index] < 0) needed.push_back(n.index);
        needed = unique(std::move(needed));
        rows.resize(needed.size() * k);
        tree.nearest(places(points, needed), k, rows);
        for (std::size_t i = 0; i < needed.size(); ++i) {
            const auto near = std::span(rows).subspan(i * k, k);
            const double area = std::numbers::pi * near.back().squared_distance;
            raw[needed[i]] = static_cast<float>(std::sqrt(area / static_cast<double>(k - 1)));
            thick[needed[i]] = thickness(points, near);
        }
        for (std::size_t i = 0; i < block.size(); ++i) {
            const auto near = std::span(around).subspan(i * k, k);
            for (std::size_t j = 0; j < k; ++j) row[j] = static_cast<double>(raw[near[j].index]);
            LocalSpacing& found = out[first + i];
            found.spacing = found.reach = std::max(median(row), floor);
            if (static_cast<double>(raw[block[i]]) > kAlone * found.spacing) {
                found.reach = std::max(found.reach, static_cast<double>(raw[block[i]]));
                found.spacing = floor;
                continue;
            }
            if (found.spacing <= kSparse * floor) continue;
            for (std::size_t j = 0; j < k; ++j) row[j] = static_cast<double>(thick[near[j].index]);
            if (median(row) > (found.spacing <= kVerySparse * floor ? kNoSheet : kNoPlane)) found.spacing = floor;
        }
    }
    return out;
}

VertexSupport support_vertices(std::span<const Vec3d> vertices, std::span<const Vec3d> points, const KdTree& tree,
                               const SupportOptions& options) {
    NIR_CHECK(options.spacing > 0 && options.spacings > 0 && options.length >= 0);
    NIR_CHECK(tree.size() == points.size() && (!points.empty() || vertices.empty()));
    VertexSupport s;
    s.nearest.resize(vertices.size());
    tree.nearest(vertices, s.nearest);
    std::vector<std::uint32_t> far;
    for (const auto& n : s.nearest)
        if (n.squared_distance > options.spacing * options.spacing) far.push_back(n.index);
    far = unique(std::move(far));
    const std::vector<LocalSpacing> local = local_spacing(points, tree, far, options.spacing);
    s.spacing.assign(vertices.size(), static_cast<float>(options.spacing));
    s.support.resize(vertices.size());
    for (std::size_t v = 0; v < vertices.size(); ++v) {
        const Neighbor& n = s.nearest[v];
        const double distance = std::sqrt(n.squared_distance);
        LocalSpacing here{options.spacing, 0};
        if (n.squared_distance > options.spacing * options.spacing)
            here = local[static_cast<std::size_t>(std::lower_bound(far.begin(), far.end(), n.index) - far.begin())];
        s.spacing[v] = static_cast<float>(here.spacing);
        const double limit = options.length > 0 ? options.length : options.spacings * here.spacing;
        s.support[v] = static_cast<float>(distance / limit);
        s.reach = std::max(s.reach, distance + (distance > here.spacing ? kNeighborhoods * here.reach : 0));
    }
    return s;
}

}  // namespace nir::geom
