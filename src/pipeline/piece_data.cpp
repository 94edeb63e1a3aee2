// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/piece_data.h"

#include "nir/base/error.h"
#include "nir/geom/color_transfer.h"
#include "nir/geom/kd_tree.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nir::pipeline {
namespace {

using geom::Box3f;
using geom::PointSource;
using geom::Vec3d;
using geom::Vec3f;

constexpr double kFirstReach = 12;           ///< spacings around the piece, to begin with
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

/// Looks at the points around some of the vertices. @param part  with normals; its colours are set
MeshSupport look_around(geom::TriMesh& part, const PointSource& points, const PieceDataOptions& options) {
    Box3f box;
    for (const auto& v : part.vertices) box.extend(static_cast<Vec3f>(v));
    double reach = kFirstReach * options.spacing;
    for (bool last = false;;) {
        PointSource::Found found = points.find(box.padded(static_cast<float>(reach)));
        if (last || found.points.empty()) found = merged(found, options.samples), last = true;
        const bool all = found.points.size() == points.size();
        const Around data = around(found, options.sensors);
        MeshSupport support = mesh_support(
            part, data.cloud.points,
            {.spacing = options.spacing, .trim = options.trim, .length = options.length, .sensors = &data.sensors});
        if (last || all || support.reach <= reach) {
            geom::transfer_colors(data.cloud, part);
            return support;
        }
        const double wider = std::max(1.5 * reach, support.reach);
        if (points.most_in_box(box.padded(static_cast<float>(wider))) > kMostPoints)
            last = true;  // the samples tell enough about what is that far away
        else
            reach = wider;
    }
}

/// Vertices in groups around which there are few points, however dense they are: halves of the box of a group.
void group(const std::vector<Vec3d>& vertices, std::vector<std::uint32_t> which, const PointSource& points,
           double reach, std::vector<std::vector<std::uint32_t>>& groups) {
    Box3f box;
    for (const auto v : which) box.extend(static_cast<Vec3f>(vertices[v]));
    const Vec3f size = box.size();
    if (static_cast<double>(box.longest_side()) > reach &&
        points.most_in_box(box.padded(static_cast<float>(reach))) > kMostPoints) {
        const int axis = size.x >= size.y && size.x >= size.z ? 0 : size.y >= size.z ? 1 : 2;
        const auto above = std::stable_partition(which.begin(), which.end(), [&](std::uint32_t v) {
            return static_cast<float>(vertices[v][axis]) < box.center()[axis];
        });
        if (above != which.begin() && above != which.end()) {
            group(vertices, {which.begin(), above}, points, reach, groups);
            group(vertices, {above, which.end()}, points, reach, groups);
            return;
        }
    }
    groups.push_back(std::move(which));
}

}  // namespace

void look_at_data(FinishedWindow& window, const PointSource& points, const PieceDataOptions& options) {
    geom::TriMesh& mesh = window.piece.mesh;
    window.distance.clear(), window.vertex_support.clear(), mesh.colors.clear();
    if (mesh.vertices.empty()) return;
    NIR_CHECK(options.spacing > 0 && !options.samples.points.empty());
    std::vector<std::uint32_t> all(mesh.vertices.size());
    std::iota(all.begin(), all.end(), 0u);
    std::vector<std::vector<std::uint32_t>> groups;
    group(mesh.vertices, std::move(all), points, kFirstReach * options.spacing, groups);
    window.distance.resize(mesh.vertices.size());
    if (options.trim) window.vertex_support.resize(mesh.vertices.size());
    for (const auto& which : groups) {
        geom::TriMesh part;
        for (const auto v : which) {
            part.vertices.push_back(mesh.vertices[v]);
            if (!mesh.normals.empty()) part.normals.push_back(mesh.normals[v]);
        }
        const MeshSupport support = look_around(part, points, options);
        if (!part.colors.empty()) mesh.colors.resize(mesh.vertices.size());
        for (std::size_t i = 0; i < which.size(); ++i) {
            window.distance[which[i]] = support.distance[i];
            if (options.trim) window.vertex_support[which[i]] = support.support[i];
            if (!part.colors.empty()) mesh.colors[which[i]] = part.colors[i];
        }
    }
}

}  // namespace nir::pipeline
