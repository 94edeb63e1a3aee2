// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/extract/color_source.h"

namespace nir::extract {

void color_vertices(const ScalarField& field, geom::TriMesh& mesh) {
    const auto* source = dynamic_cast<const ColorSource*>(&field);
    if (!source) return;
    std::vector<geom::Vec3f> points;
    points.reserve(mesh.vertices.size());
    for (const auto& p : mesh.vertices) points.push_back(static_cast<geom::Vec3f>(p));
    mesh.colors.resize(points.size());
    source->colors(points, mesh.colors);
}

}  // namespace nir::extract
