// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/interpolate.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/geom/rasterizer.h"
#include "nir/io/formats.h"
#include "nir/io/png.h"
#include "nir/models/registry.h"

#include "pipeline/observations.h"

#include <fmt/format.h>

namespace nir::pipeline {
namespace fs = std::filesystem;
namespace {

fs::path numbered(const fs::path& mesh, int i) {
    return mesh.parent_path() / fmt::format("{}_{:03}{}", mesh.stem().string(), i, mesh.extension().string());
}

struct Ends {
    models::ShapeSource a, b;
};

Ends read_ends(const InterpolateOptions& options, const models::Model& model) {
    const OpenFieldOptions& source = options.extract.source;
    Ends ends;
    ends.a.seed = source.seed, ends.b.seed = options.seed_b ? options.seed_b : source.seed;
    if (model.takes() != models::ObservationKind::none && !source.input)
        fail(ErrorKind::usage, "{} needs {}: --input", source.field.string(), nn::describe(model.takes()));
    if (source.input) ends.a.observation = read_observation(*source.input, model.takes());
    ends.b.observation = options.input_b ? read_observation(*options.input_b, model.takes()) : ends.a.observation;
    return ends;
}

extract::ExtractResult extract_shape(const ExtractOptions& options, const models::Shape& shape, Progress& progress,
                                     PhaseTimer& timer) {
    const auto* field = std::get_if<std::unique_ptr<extract::ScalarField>>(&shape);
    if (!field) fail(ErrorKind::usage, "{} gives no field to extract", options.source.field.string());
    extract::ExtractOptions o;
    o.resolution_0 = options.resolution_0.value_or(o.resolution_0);
    o.upsampling = options.upsampling.value_or(o.upsampling);
    o.dense = options.dense;
    o.refine_steps = options.refine;
    o.close_border = options.close_border;
    if (options.level) o.level = logit_of_level(*options.level);
    extract::MeshExtractor extractor(**field, o);
    return extractor.extract(progress, &timer);
}

/// One camera for all, so that sizes can be compared.
geom::Image8 strip_of(const std::vector<geom::TriMesh>& meshes) {
    std::vector<geom::Vec3d> all;
    for (const auto& m : meshes) all.insert(all.end(), m.vertices.begin(), m.vertices.end());
    geom::RenderOptions options;
    options.width = options.height = 320;
    const geom::ViewCamera camera = geom::frame_view(all);
    std::vector<geom::Panel> panels;
    for (std::size_t i = 0; i < meshes.size(); ++i) {
        const double t = static_cast<double>(i) / static_cast<double>(meshes.size() - 1);
        panels.push_back({geom::render_mesh(meshes[i], camera, options), fmt::format("{:.2f}", t)});
    }
    return geom::compose_panels(panels);
}

}  // namespace

InterpolateSummary interpolate_to_files(const InterpolateOptions& options, Progress& progress, PhaseTimer& timer) {
    const ExtractOptions& extract = options.extract;
    if (options.steps < 2) fail(ErrorKind::usage, "--steps {}: both ends are two shapes already", options.steps);
    if (!options.input_b && !options.seed_b)
        fail(ErrorKind::usage, "nothing differs between the two ends; give --input-b or --seed-b");
    if (extract.values) fail(ErrorKind::usage, "--values is for a single shape");
    io::format_for_writing(
        extract.mesh, [](const io::Format& f) { return f.write_geometry != nullptr; }, "a mesh");
    InterpolateSummary summary;
    summary.strip = fs::path(extract.mesh).replace_extension(".png");
    check_writable(numbered(extract.mesh, 0));
    check_writable(summary.strip);
    const auto file = model_file_of(extract.source);
    if (!file)
        fail(ErrorKind::usage, "{} is a volume; only models have codes between shapes", extract.source.field.string());

    auto reading = timer.phase("read");
    const auto model = models::load_model(*file);
    const Ends ends = read_ends(options, *model);
    reading.close();
    std::vector<geom::TriMesh> meshes;
    for (int i = 0; i < options.steps; ++i) {
        auto encoding = timer.phase("encode");
        const models::Shape shape =
            with_context(file->string(), [&] { return model->interpolate(ends.a, ends.b, i / (options.steps - 1.0)); });
        encoding.close();
        auto result = extract_shape(extract, shape, progress, timer);
        if (result.mesh.empty())
            fail(ErrorKind::numeric,
                 "shape {} of {} has no surface at level {:.6g}, its values lie between {:.6g} and {:.6g}", i + 1,
                 options.steps, result.level, result.lowest, result.highest);
        const auto writing = timer.phase("write");
        summary.meshes.push_back(numbered(extract.mesh, i));
        summary.faces.push_back(result.mesh.faces.size());
        io::write_geometry(summary.meshes.back(), result.mesh);
        meshes.push_back(std::move(result.mesh));
    }
    const auto rendering = timer.phase("render");
    io::write_png(summary.strip, strip_of(meshes));
    return summary;
}

}  // namespace nir::pipeline
