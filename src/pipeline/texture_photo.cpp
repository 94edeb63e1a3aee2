// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/texture_photo.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/base/phase_timer.h"
#include "nir/geom/subdivide.h"
#include "nir/io/formats.h"

#include "pipeline/surface_colors.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

constexpr double kEdges = 96;  ///< along the longest side
constexpr std::size_t kMostFaces = 8u << 20;

}  // namespace

TexturePhotoResult texture_photo(const TexturePhotoOptions& o, PhaseTimer& timer) {
    io::format_for_writing(
        o.out, [](const io::Format& f) { return f.write_geometry != nullptr; }, "a mesh");
    check_writable(o.out);
    auto reading = timer.phase("read");
    ColoredSurface surface = look_at_surface(o.model, o.mesh, o.photo, o.seed);
    reading.close();
    if (surface.colorer->lit())
        fail(ErrorKind::usage,
             "{} predicts light, not colours: nir render {} --mesh {} --input {} --lights LIGHTS.json",
             o.model.string(), o.model.string(), o.mesh.string(), o.photo.string());
    auto baking = timer.phase("bake");
    const double edge = o.edge < 0 ? surface.frame.scale / kEdges : o.edge;
    geom::TriMesh mesh = std::move(surface.mesh);
    if (edge > 0) mesh = geom::split_long_edges(mesh, edge, kMostFaces);
    const std::vector<float> rgb = surface.colors->colors(surface.in_frame(mesh.vertices));
    const auto byte = [](float v) { return static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0f, 1.0f) * 255)); };
    mesh.colors.clear();
    for (std::size_t i = 0; i < mesh.vertices.size(); ++i)
        mesh.colors.push_back({byte(rgb[3 * i]), byte(rgb[3 * i + 1]), byte(rgb[3 * i + 2])});
    baking.close();
    const auto writing = timer.phase("write");
    io::write_geometry(o.out, mesh);
    return {mesh.vertices.size(), mesh.faces.size()};
}

}  // namespace nir::pipeline
