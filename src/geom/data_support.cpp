// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/data_support.h"

#include "nir/base/error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

constexpr std::size_t kNeighbors = 16;
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

}  // namespace

std::vector<double> local_spacing(std::span<const Vec3d> points, const KdTree& tree,
                                  std::span<const std::uint32_t> which, double floor) {
    NIR_CHECK(tree.size() == points.size());
    const std::size_t k = std::min(kNeighbors + 1, points.size());  // the first is the point itself
    std::vector<double> out(which.size(), floor), row(k);
    if (k < 2) return out;
    std::vector<float> raw(points.size(), -1);  // found so far
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
            const double area = std::numbers::pi * rows[i * k + k - 1].squared_distance;
            raw[needed[i]] = static_cast<float>(std::sqrt(area / static_cast<double>(k - 1)));
        }
        for (std::size_t i = 0; i < block.size(); ++i) {
            for (std::size_t j = 0; j < k; ++j) row[j] = static_cast<double>(raw[around[i * k + j].index]);
            std::nth_element(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(k / 2), row.end());
            out[first + i] = std::max(row[k / 2], floor);
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
    const std::vector<double> local = local_spacing(points, tree, far, options.spacing);
    s.spacing.assign(vertices.size(), static_cast<float>(options.spacing));
    s.support.resize(vertices.size());
    for (std::size_t v = 0; v < vertices.size(); ++v) {
        const Neighbor& n = s.nearest[v];
        double spacing = options.spacing;
        if (n.squared_distance > options.spacing * options.spacing)
            spacing = local[static_cast<std::size_t>(std::lower_bound(far.begin(), far.end(), n.index) - far.begin())];
        s.spacing[v] = static_cast<float>(spacing);
        const double limit = options.length > 0 ? options.length : options.spacings * spacing;
        s.support[v] = static_cast<float>(std::sqrt(n.squared_distance) / limit);
    }
    return s;
}

}  // namespace nir::geom
