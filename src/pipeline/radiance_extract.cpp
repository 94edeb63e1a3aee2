// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/radiance_extract.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/base/output_file.h"
#include "nir/base/parallel.h"
#include "nir/geom/mesh_clean.h"
#include "nir/io/formats.h"

#include "pipeline/radiance_views.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

constexpr int kDepthMapSide = 256;

/// The trained cameras with smaller pictures: depth maps need no more.
std::vector<render::PosedView> small_views(const render::RadianceModel& model) {
    std::vector<render::PosedView> out = render::posed_views(model);
    for (render::PosedView& v : out) {
        const double shrink = static_cast<double>(kDepthMapSide) / std::max(v.camera.width, v.camera.height);
        if (shrink >= 1) continue;
        const auto size = [&](int n) { return std::max(1, static_cast<int>(std::lround(n * shrink))); };
        v.camera = geom::scaled(v.camera, size(v.camera.width), size(v.camera.height));
    }
    return out;
}

std::size_t crop(geom::TriMesh& mesh, const render::ViewDepths& depths, double tolerance) {
    std::vector<std::uint8_t> seen(mesh.vertices.size());
    parallel_for(seen.size(), 1024, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) seen[i] = depths.seen(mesh.vertices[i], tolerance);
    });
    std::vector<std::uint8_t> keep;
    for (const auto& f : mesh.faces) keep.push_back(seen[f[0]] && seen[f[1]] && seen[f[2]]);
    const auto dropped = static_cast<std::size_t>(std::count(keep.begin(), keep.end(), 0));
    if (dropped > 0) geom::keep_faces(mesh, keep);
    return dropped;
}

double level_of(const ExtractRadianceOptions& o, const render::RadianceModel& model,
                const std::vector<render::PosedView>& views) {
    if (o.level) {
        if (!(*o.level > 0)) fail(ErrorKind::usage, "--level {}: the density must be above 0", *o.level);
        return std::log(*o.level * model.frame.side);
    }
    const auto level = render::surface_level(model, views);
    if (!level)
        fail(ErrorKind::numeric,
             "{}: hardly any ray of the photos' cameras meets something solid; --level sets a density",
             o.model.string());
    return *level;
}

}  // namespace

ExtractRadianceSummary extract_radiance(const ExtractRadianceOptions& o, Progress& progress, PhaseTimer& timer) {
    check_writable(o.mesh);
    auto reading = timer.phase("read");
    const render::RadianceModel model = render::load_radiance(o.model);
    if (model.views.empty()) fail(ErrorKind::input, "{}: the model holds no cameras", o.model.string());
    reading.close();
    const bool wide = model.grid.cascades() > 1, cropping = o.crop.value_or(wide);
    const bool surface = model.field.has_surface(), filling = o.fill && !surface;
    if (surface && o.level) fail(ErrorKind::usage, "--level is for densities; {} has a surface", o.model.string());
    auto rendering = timer.phase("render");
    const std::vector<render::PosedView> views = small_views(model);
    const double level = surface ? 0 : level_of(o, model, views);
    std::optional<render::ViewDepths> depths;
    if (filling || cropping) depths.emplace(model, views);
    rendering.close();

    render::DensityField density(model, level, filling ? &*depths : nullptr);
    extract::ExtractOptions how;
    how.resolution_0 = o.resolution_0.value_or(64), how.upsampling = o.upsampling.value_or(2);
    how.dense = o.dense, how.refine_steps = o.refine, how.close_border = o.close_border && !wide;
    if (o.box) {
        how.domain = o.box;
    } else if (wide) {
        const geom::Vec3d half{0.5 * model.frame.side, 0.5 * model.frame.side, 0.5 * model.frame.side};
        how.domain = geom::Box3d{model.frame.center - half, model.frame.center + half};
    }
    ExtractRadianceSummary out;
    out.result = extract::extract_mesh(density, how, progress, &timer);
    geom::TriMesh& mesh = out.result.mesh;
    if (!mesh.faces.empty() && cropping) {
        const geom::Vec3d cell = out.result.lattice.spacing();
        out.cropped_faces = crop(mesh, *depths, 4 * std::max({cell.x, cell.y, cell.z}));
    }
    if (mesh.faces.empty() && surface)
        fail(ErrorKind::numeric, "{}: the field is {} everywhere: no surface", o.model.string(),
             out.result.highest > 0 ? "solid" : "empty");
    if (mesh.faces.empty())
        fail(ErrorKind::numeric, "{}: no surface at the density {:.4g} per world unit; the field has {:.4g} to {:.4g}",
             o.model.string(), std::exp(level) / model.frame.side,
             std::exp(static_cast<double>(out.result.lowest)) / model.frame.side,
             std::exp(static_cast<double>(out.result.highest)) / model.frame.side);
    out.removed_components = geom::remove_small_components(
        mesh, {.min_area_share = o.min_component.value_or(0), .keep_largest = o.min_component ? 0u : 1u});
    render::color_vertices(model, mesh);
    out.result.report = geom::check_mesh(mesh);
    out.result.level = surface ? 0 : std::exp(level) / model.frame.side;
    const auto writing = timer.phase("write");
    io::write_geometry(o.mesh, mesh);
    return out;
}

}  // namespace nir::pipeline
