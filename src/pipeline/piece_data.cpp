// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/piece_data.h"

#include "nir/base/error.h"
#include "nir/geom/color_transfer.h"
#include "nir/geom/kd_tree.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

using geom::Box3f;
using geom::PointSource;
using geom::Vec3d;
using geom::Vec3f;

constexpr double kFirstReach = 12;           ///< spacings around the piece, to begin with
constexpr double kNeighborhoods = 5;         ///< local spacings that the 16th neighbours of 16th neighbours are away
constexpr std::size_t kMostPoints = 300000;  ///< around one piece

/// Points around a piece, as mesh_support() and transfer_colors() take them.
struct Around {
    geom::PointCloud cloud;
    geom::Sensors sensors;
};

Around around(const PointSource::Found& found, const std::vector<Vec3d>& sensors) {
    Around out;
    out.cloud.points.reserve(found.points.size());
    for (const auto& p : found.points) out.cloud.points.push_back(static_cast<Vec3d>(p));
    out.cloud.colors = found.colors;
    if (!sensors.empty()) out.sensors = {.positions = sensors, .of_point = found.sensors};
    return out;
}

/// Both, each point once, ascending.
PointSource::Found merged(const PointSource::Found& a, const PointSource::Found& b) {
    PointSource::Found out;
    const auto take = [&out](const PointSource::Found& from, std::size_t i) {
        out.index.push_back(from.index[i]);
        out.points.push_back(from.points[i]);
        if (!from.colors.empty()) out.colors.push_back(from.colors[i]);
        if (!from.sensors.empty()) out.sensors.push_back(from.sensors[i]);
    };
    for (std::size_t i = 0, j = 0; i < a.index.size() || j < b.index.size();) {
        const bool first = j == b.index.size() || (i < a.index.size() && a.index[i] <= b.index[j]);
        if (!first) {
            take(b, j++);
        } else {
            if (j < b.index.size() && a.index[i] == b.index[j]) ++j;
            take(a, i++);
        }
    }
    return out;
}

/// How far away points may lie that matter to a vertex with this support.
double farthest_needed(const std::vector<Vec3d>& vertices, const geom::KdTree& tree, const MeshSupport& support) {
    std::vector<geom::Neighbor> nearest(vertices.size());
    tree.nearest(vertices, nearest);
    double needed = 0;
    for (std::size_t v = 0; v < vertices.size(); ++v) {
        const double distance = std::sqrt(nearest[v].squared_distance);
        const auto spacings = static_cast<double>(support.distance[v]);
        // Local spacings differ from the global one only farther away than that (geom::support_vertices()).
        const double local = spacings > 1 ? distance / spacings : 0;
        needed = std::max(needed, distance + kNeighborhoods * local);
    }
    return needed;
}

}  // namespace

void look_at_data(FinishedWindow& window, const PointSource& points, const PieceDataOptions& options) {
    geom::TriMesh& mesh = window.piece.mesh;
    window.distance.clear(), window.vertex_support.clear(), mesh.colors.clear();
    if (mesh.vertices.empty()) return;
    NIR_CHECK(options.spacing > 0 && !options.samples.points.empty());
    Box3f box;
    for (const auto& v : mesh.vertices) box.extend(static_cast<Vec3f>(v));
    double reach = kFirstReach * options.spacing;
    for (bool last = false;;) {
        PointSource::Found found = points.find(box.padded(static_cast<float>(reach)));
        if (last || found.points.empty()) found = merged(found, options.samples), last = true;
        const bool all = found.points.size() == points.size();
        const Around data = around(found, options.sensors);
        MeshSupport support = mesh_support(
            mesh, data.cloud.points,
            {.spacing = options.spacing, .trim = options.trim, .length = options.length, .sensors = &data.sensors});
        const double needed =
            last || all ? 0 : farthest_needed(mesh.vertices, geom::KdTree(data.cloud.points), support);
        if (needed <= reach) {
            window.distance = std::move(support.distance);
            window.vertex_support = std::move(support.support);
            geom::transfer_colors(data.cloud, mesh);
            return;
        }
        const double wider = std::max(1.5 * reach, needed);
        if (points.most_in_box(box.padded(static_cast<float>(wider))) > kMostPoints)
            last = true;  // the samples tell enough about what is that far away
        else
            reach = wider;
    }
}

}  // namespace nir::pipeline
