// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/color_transfer.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/geom/kd_tree.h"

#include "geom/raster.h"

#include <algorithm>

namespace nir::geom {
namespace {

Rgb8 mix(const PointCloud& cloud, std::span<const Neighbor> neighbors) {
    if (neighbors.front().squared_distance == 0.0) return cloud.colors[neighbors.front().index];
    double sum = 0.0;
    Vec3d color{};
    for (const auto& n : neighbors) {
        // Relative to the nearest, so that no distance under- or overflows.
        const double w = neighbors.front().squared_distance / n.squared_distance;
        color += Vec3d(raster::linear(cloud.colors[n.index])) * w;
        sum += w;
    }
    color = color / sum;
    return {raster::srgb_from_linear(color.x), raster::srgb_from_linear(color.y), raster::srgb_from_linear(color.z)};
}

}  // namespace

void transfer_colors(const PointCloud& cloud, TriMesh& mesh, const ColorTransferOptions& options) {
    if (cloud.empty() || cloud.colors.empty()) return;
    NIR_CHECK(cloud.colors.size() == cloud.size() && options.neighbors > 0);
    const bool oriented = cloud.normals.size() == cloud.size() && mesh.normals.size() == mesh.vertices.size();
    const KdTree tree(cloud.points);
    const std::size_t keep = std::min(options.neighbors, cloud.size());
    const std::size_t k = oriented ? std::min(4 * options.neighbors, cloud.size()) : keep;
    std::vector<Neighbor> found(mesh.vertices.size() * k);
    tree.nearest(mesh.vertices, k, found);
    mesh.colors.resize(mesh.vertices.size());
    parallel_for(mesh.vertices.size(), 4096, [&](std::size_t begin, std::size_t end) {
        std::vector<Neighbor> chosen;
        for (std::size_t i = begin; i < end; ++i) {
            const std::span<const Neighbor> near(&found[i * k], k);
            chosen.clear();
            if (oriented)
                for (const auto& n : near)
                    if (chosen.size() < keep &&
                        static_cast<double>(dot(cloud.normals[n.index], mesh.normals[i])) > options.normal_cos)
                        chosen.push_back(n);
            if (chosen.empty()) chosen.assign(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(keep));
            mesh.colors[i] = mix(cloud, chosen);
        }
    });
}

}  // namespace nir::geom
