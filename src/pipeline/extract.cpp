// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/extract.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/geom/mesh_clean.h"
#include "nir/io/formats.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nir::pipeline {
namespace {

/// 0.5 where the samples are occupancies, otherwise 0.
double default_level(const geom::VoxelGrid& grid) {
    const bool occupancies =
        std::all_of(grid.values.begin(), grid.values.end(), [](float v) { return v == 0.0f || v == 1.0f; });
    return occupancies ? 0.5 : 0.0;
}

void negate(geom::VoxelGrid& grid) {
    for (float& v : grid.values) v = -v;
}

io::NamedArray as_array(const geom::VoxelGrid& grid) {
    return io::NamedArray::from("values", {grid.size.x, grid.size.y, grid.size.z}, grid.values);
}

void write_values(const ExtractOptions& options, const geom::VoxelGrid& grid, PhaseTimer& timer) {
    const auto writing = timer.phase("write");
    io::write_arrays(*options.values, {{as_array(grid)}, {}});
}

extract::ExtractResult extract_samples(const ExtractOptions& options, const geom::VoxelGrid& grid, double level,
                                       PhaseTimer& timer) {
    const auto extracting = timer.phase("extract");
    extract::GridExtractOptions o;
    o.level = level;
    o.close_border = options.close_border;
    return extract::extract_mesh(grid, o);
}

extract::ExtractResult extract_field(const ExtractOptions& options, extract::ScalarField& field,
                                     std::optional<double> level, Progress& progress, PhaseTimer& timer) {
    extract::ExtractOptions o;
    o.resolution_0 = options.resolution_0.value_or(o.resolution_0);
    o.upsampling = options.upsampling.value_or(o.upsampling);
    o.dense = options.dense;
    o.level = level;
    o.refine_steps = options.refine;
    o.close_border = options.close_border;
    extract::MeshExtractor extractor(field, o);
    auto result = extractor.extract(progress, &timer);
    if (options.values) write_values(options, extractor.values(), timer);
    return result;
}

extract::ExtractResult extract_volume(const ExtractOptions& options, FieldSource& source, Progress& progress,
                                      PhaseTimer& timer) {
    double level = options.level ? *options.level : default_level(*source.volume);
    if (options.inside_below) {
        negate(*source.volume);
        level = -level;
    }
    if (options.resolution_0 || options.upsampling || options.dense) {
        // Fields are asked in float32, so a volume far from the origin is resampled at the origin.
        const geom::Vec3d origin = std::exchange(source.volume->origin, {});
        auto result = extract_field(options, source.as_field(static_cast<float>(level)), level, progress, timer);
        for (auto& p : result.mesh.vertices) p += origin;
        result.lattice.domain.lo += origin, result.lattice.domain.hi += origin;
        return result;
    }
    if (options.values) write_values(options, *source.volume, timer);
    return with_context(options.source.field.string(),
                        [&] { return extract_samples(options, *source.volume, level, timer); });
}

}  // namespace

ExtractSummary extract_to_file(const ExtractOptions& options, Progress& progress, PhaseTimer& timer) {
    io::format_for_writing(
        options.mesh, [](const io::Format& f) { return f.write_geometry != nullptr; }, "a mesh");
    check_writable(options.mesh);
    if (options.values) check_writable(*options.values);
    auto source = open_field(options.source, progress, timer);
    ExtractSummary summary;
    summary.kind = source.kind;
    if (source.volume) {
        summary.result = extract_volume(options, source, progress, timer);
    } else {
        if (options.inside_below)
            fail(ErrorKind::usage, "--inside-below is for volumes; {} is a model", options.source.field.string());
        std::optional<double> level = options.level;
        if (level && source.is_probability) level = logit_of_level(*level);
        summary.result = extract_field(options, *source.field, level, progress, timer);
    }
    auto& r = summary.result;
    if (r.mesh.empty()) {
        fail(ErrorKind::numeric, "{}: no surface at level {:.6g}, the values lie between {:.6g} and {:.6g}",
             options.source.field.string(), r.level, r.lowest, r.highest);
    }
    if (options.min_component > 0) {
        summary.removed_components = geom::remove_small_components(r.mesh, {.min_area_share = options.min_component});
        if (summary.removed_components > 0) r.report = geom::check_mesh(r.mesh);
    }
    const auto writing = timer.phase("write");
    io::write_geometry(options.mesh, r.mesh);
    return summary;
}

}  // namespace nir::pipeline
