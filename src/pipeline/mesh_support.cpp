// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/mesh_support.h"

#include "nir/base/error.h"
#include "nir/extract/confidence.h"
#include "nir/geom/data_support.h"
#include "nir/geom/trim_mesh.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nir::pipeline {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr std::size_t kBlock = 1 << 17;  ///< vertices looked at together: bounds the memory
constexpr double kIslandLimits = 1.5;    ///< of the area of a disc of that radius: the trace of a stray point is 1
constexpr std::size_t kWitnesses = 4;    ///< nearest points that are asked for their sensors
constexpr float kGrazing = 0.3f;         ///< cosines up to which a face is doubtful

/// Raises the support of vertices that none of the points near them can have been seen from: 1 where the normal is at
/// right angles to the best direction, more behind, less in front.
void judge_sides(std::span<const Vec3d> places, std::span<const Vec3f> normals, const geom::KdTree& tree,
                 const geom::Sensors& sensors, std::span<float> support) {
    const std::size_t k = std::min(kWitnesses, tree.size());
    std::vector<geom::Neighbor> near(places.size() * k);
    tree.nearest(places, k, near);
    for (std::size_t i = 0; i < places.size(); ++i) {
        float best = -2;
        for (std::size_t j = 0; j < k; ++j) {
            const Vec3f to_sensor = sensors.direction(near[i * k + j].index, places[i]);
            if (to_sensor != Vec3f{}) best = std::max(best, dot(to_sensor, normals[i]));
        }
        if (best >= -1.5f) support[i] = std::max(support[i], 1 - best / kGrazing);
    }
}

}  // namespace

MeshSupport mesh_support(const geom::TriMesh& mesh, std::span<const Vec3d> points, const MeshSupportOptions& options) {
    const geom::KdTree tree(points);
    const bool sided = options.trim && options.sensors && !options.sensors->empty();
    NIR_CHECK(!sided || mesh.normals.size() == mesh.vertices.size());
    MeshSupport out;
    out.distance.reserve(mesh.vertices.size());
    if (options.trim) out.support.reserve(mesh.vertices.size());
    for (std::size_t first = 0; first < mesh.vertices.size(); first += kBlock) {
        const auto places = std::span(mesh.vertices).subspan(first, std::min(kBlock, mesh.vertices.size() - first));
        const geom::VertexSupport found =
            geom::support_vertices(places, points, tree, {.spacing = options.spacing, .length = options.length});
        out.reach = std::max(out.reach, found.reach);
        for (std::size_t i = 0; i < places.size(); ++i)
            out.distance.push_back(static_cast<float>(std::sqrt(found.nearest[i].squared_distance)) / found.spacing[i]);
        if (!options.trim) continue;
        out.support.insert(out.support.end(), found.support.begin(), found.support.end());
        if (sided)
            judge_sides(places, std::span(mesh.normals).subspan(first, places.size()), tree, *options.sensors,
                        std::span(out.support).subspan(first));
    }
    return out;
}

void support_mesh(geom::TriMesh& mesh, std::span<const Vec3d> points, const MeshSupportOptions& options) {
    apply_support(mesh, mesh_support(mesh, points, options), options);
}

double island_area(const MeshSupportOptions& options) {
    const double limit = options.length > 0 ? options.length : geom::SupportOptions{}.spacings * options.spacing;
    return kIslandLimits * std::numbers::pi * limit * limit;
}

void apply_support(geom::TriMesh& mesh, const MeshSupport& found, const MeshSupportOptions& options) {
    NIR_CHECK(mesh.confidence.size() == mesh.vertices.size() && found.distance.size() == mesh.vertices.size());
    mesh.confidence = extract::vertex_confidence(found.distance, mesh.confidence,
                                                 extract::sure_slope(mesh.confidence, found.distance));
    if (!options.trim) return;
    geom::TrimOptions trim;
    trim.island_area = island_area(options);
    geom::trim_mesh(mesh, found.support, trim);
}

}  // namespace nir::pipeline
