// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/extract.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/extract/color_source.h"
#include "nir/extract/voxel_boxes.h"
#include "nir/geom/frame.h"
#include "nir/geom/mesh_clean.h"
#include "nir/io/formats.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nir::pipeline {
namespace {

/// 0.5 where the samples are occupancies or probabilities, otherwise 0.
double default_level(const FieldSource& source) {
    if (source.is_probability) return 0.5;
    const geom::VoxelGrid& grid = *source.volume;
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

/// The filled cells as boxes.
extract::ExtractResult extract_boxes(const geom::VoxelGrid& grid, double level, PhaseTimer& timer) {
    const auto extracting = timer.phase("extract");
    extract::ExtractResult r;
    r.mesh = extract::voxel_boxes(grid, level);
    r.report = geom::check_mesh(r.mesh);
    r.level = level;
    const auto [lowest, highest] = std::minmax_element(grid.values.begin(), grid.values.end());
    r.lowest = *lowest, r.highest = *highest;
    const geom::Vec3d half = grid.spacing * 0.5;
    const geom::Vec3d size{static_cast<double>(grid.size.x), static_cast<double>(grid.size.y),
                           static_cast<double>(grid.size.z)};
    r.lattice = {{grid.origin - half, grid.origin - half + size * grid.spacing}, grid.size};
    return r;
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
    double level = options.level ? *options.level : default_level(source);
    const auto how = options.voxel_mesh.value_or(source.is_probability ? VoxelMesh::boxes : VoxelMesh::surface);
    if (options.inside_below) {
        negate(*source.volume);
        level = -level;
    }
    if (options.resolution_0 || options.upsampling || options.dense) {
        if (options.voxel_mesh == VoxelMesh::boxes)
            fail(ErrorKind::usage, "boxes show the cells as they are; they cannot be resampled");
        // Fields are asked in float32, so a volume far from the origin is resampled at the origin.
        const geom::Vec3d origin = std::exchange(source.volume->origin, {});
        auto result = extract_field(options, source.as_field(static_cast<float>(level)), level, progress, timer);
        for (auto& p : result.mesh.vertices) p += origin;
        result.lattice.domain.lo += origin, result.lattice.domain.hi += origin;
        return result;
    }
    if (options.values) write_values(options, *source.volume, timer);
    return with_context(options.source.field.string(), [&] {
        return how == VoxelMesh::boxes ? extract_boxes(*source.volume, level, timer)
                                       : extract_samples(options, *source.volume, level, timer);
    });
}

/// Options that ask for a surface search mean nothing to a shape that is there already.
void refuse_field_options(const ExtractOptions& options, std::string_view kind, std::string_view makes) {
    if (options.level || options.resolution_0 || options.upsampling || options.dense || options.values ||
        options.voxel_mesh || options.inside_below)
        fail(ErrorKind::usage,
             "model \"{}\" makes {}: there is no field to search, so level, resolution, values and voxels mean nothing",
             kind, makes);
}

/// The cells themselves, where the file can hold cells: binvox 0 or 1, NPY and NPZ the probabilities.
bool write_cells(const ExtractOptions& options, const FieldSource& source, ExtractSummary& summary, PhaseTimer& timer) {
    const io::Format* format = io::format_of_ending(options.mesh);
    if (!format || !format->write_voxels || options.voxel_mesh) return false;
    if (options.resolution_0 || options.upsampling || options.dense || options.values || options.inside_below ||
        options.min_component > 0)
        fail(ErrorKind::usage, "{}: the cells are written as they are; these options are for meshes",
             options.mesh.string());
    const double level = options.level.value_or(0.5);
    geom::VoxelGrid grid = *source.volume;
    const auto filled = [level](float v) { return static_cast<double>(v) >= level; };
    summary.n_filled = static_cast<std::size_t>(std::count_if(grid.values.begin(), grid.values.end(), filled));
    summary.result.level = level;
    if (!format->write_arrays)
        for (float& v : grid.values) v = filled(v) ? 1.0f : 0.0f;
    const auto writing = timer.phase("write");
    io::write_voxel_grid(options.mesh, grid);
    return true;
}

/// Shapes of models that give no field. True if the file is written; a mesh (or that of voxels) is left in `summary`.
bool take_shape(const ExtractOptions& options, FieldSource& source, ExtractSummary& summary, PhaseTimer& timer) {
    if (source.cloud) {
        refuse_field_options(options, source.kind, "points");
        if (options.min_component > 0) fail(ErrorKind::usage, "points have no components to drop");
        summary.points = source.cloud->size();
        const auto writing = timer.phase("write");
        io::write_geometry(options.mesh, *source.cloud);
        return true;
    }
    if (source.mesh) {
        refuse_field_options(options, source.kind, "a mesh");
        summary.result.mesh = std::move(*source.mesh);
        summary.result.report = geom::check_mesh(summary.result.mesh);
        return false;
    }
    return source.volume && source.is_probability && write_cells(options, source, summary, timer);
}

/// Colours, where the field knows them, and the world's coordinates, where its file does.
void finish_field_mesh(const FieldSource& source, extract::ExtractResult& r) {
    extract::color_vertices(*source.field, r.mesh);
    if (!source.frame) return;
    geom::to_user(*source.frame, r.mesh);
    r.lattice.domain = {source.frame->user_from_unit(r.lattice.domain.lo),
                        source.frame->user_from_unit(r.lattice.domain.hi)};
}

void require_mesh_format(const std::filesystem::path& path) {
    io::format_for_writing(
        path, [](const io::Format& f) { return f.write_geometry != nullptr; }, "a mesh");
}

}  // namespace

ExtractSummary extract_to_file(const ExtractOptions& options, Progress& progress, PhaseTimer& timer) {
    io::format_for_writing(
        options.mesh, [](const io::Format& f) { return f.write_geometry || f.write_voxels; }, "a mesh");
    check_writable(options.mesh);
    if (options.values) check_writable(*options.values);
    auto source = open_field(options.source, progress, timer);
    ExtractSummary summary;
    summary.kind = source.kind;
    if (take_shape(options, source, summary, timer)) return summary;
    require_mesh_format(options.mesh);
    if (source.volume) {
        summary.result = extract_volume(options, source, progress, timer);
    } else if (source.field) {
        if (options.inside_below || options.voxel_mesh)
            fail(ErrorKind::usage, "--inside-below and --voxels are for volumes; {} is a model",
                 options.source.field.string());
        std::optional<double> level = options.level;
        if (level && source.is_probability) level = logit_of_level(*level);
        summary.result = extract_field(options, *source.field, level, progress, timer);
        finish_field_mesh(source, summary.result);
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
