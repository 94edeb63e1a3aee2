// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir extract FIELD -o MESH
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/pipeline/extract.h"
#include "nir/pipeline/interpolate.h"
#include "nir/pipeline/radiance_extract.h"
#include "nir/pipeline/radiance_render.h"

#include "verb.h"

#include <memory>

namespace nir::app {
namespace {

/// One number for all axes, or three.
geom::Vec3d parse_vector(const char* option, const std::vector<double>& v) {
    if (v.size() != 1 && v.size() != 3)
        fail(ErrorKind::usage, "{} takes one number or three, not {}", option, v.size());
    return v.size() == 1 ? geom::Vec3d{v[0], v[0], v[0]} : geom::Vec3d{v[0], v[1], v[2]};
}

struct Arguments {
    pipeline::ExtractOptions options;
    std::vector<double> spacing, origin, box;
    std::string crop;
    bool no_fill = false;
    bool open_border = false;
    std::string voxels;
    pipeline::InterpolateOptions between;
    bool interpolates() const { return between.input_b.has_value() || between.seed_b.has_value(); }
};

/// Shapes that are written as they are: points, or cells.
bool report_as_it_is(VerbContext& context, const std::string& path, const pipeline::ExtractSummary& summary) {
    if (summary.result.mesh.vertices.empty() && summary.points > 0) {
        context.json["points"] = summary.points;
        context.print("{}: {} points\n", path, summary.points);
        return true;
    }
    if (summary.result.mesh.vertices.empty()) {
        context.json["filled_cells"] = summary.n_filled;
        context.json["level"] = summary.result.level;
        context.print("{}: {} filled cells at level {:g}\n", path, summary.n_filled, summary.result.level);
        return true;
    }
    return false;
}

void interpolate(VerbContext& context, pipeline::InterpolateOptions options, const pipeline::ExtractOptions& extract) {
    options.extract = extract;
    const auto summary = pipeline::interpolate_to_files(options, context.progress, context.timer);
    auto& meshes = context.json["meshes"] = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < summary.meshes.size(); ++i) {
        meshes.push_back({{"file", summary.meshes[i].string()}, {"faces", summary.faces[i]}});
        context.print("{}: {} faces\n", summary.meshes[i].string(), summary.faces[i]);
    }
    context.json["strip"] = summary.strip.string();
    context.print("{}\n", summary.strip.string());
}

void report_mesh(VerbContext& context, const std::string& path, const extract::ExtractResult& r,
                 std::size_t removed_components, bool may_be_open) {
    auto& json = context.json;
    json["vertices"] = r.mesh.vertices.size();
    json["faces"] = r.mesh.faces.size();
    json["watertight"] = r.report.watertight();
    json["queried_points"] = r.queried_points;
    auto& rounds = json["rounds"] = nlohmann::ordered_json::array();
    for (const auto& round : r.rounds) rounds.push_back(round.points);
    json["level"] = r.level;
    json["cells"] = {r.lattice.cells.x, r.lattice.cells.y, r.lattice.cells.z};
    json["refine_points"] = r.refine_points;
    json["components"] = r.report.components;
    json["removed_components"] = removed_components;
    json["euler_characteristic"] = r.report.euler_characteristic;
    json["non_manifold_edges"] = r.report.non_manifold_edges;
    json["non_manifold_vertices"] = r.report.non_manifold_vertices;
    json["volume"] = r.report.signed_volume;
    json["area"] = r.report.area;
    context.print("{}: {} vertices, {} faces, {}\n", path, r.mesh.vertices.size(), r.mesh.faces.size(),
                  r.report.summary());
    if (!r.report.watertight() && !may_be_open) log_warning("the mesh is not watertight: {}", r.report.summary());
}

void report(VerbContext& context, const pipeline::ExtractOptions& options, const pipeline::ExtractSummary& summary) {
    context.json["kind"] = summary.kind;
    if (report_as_it_is(context, options.mesh.string(), summary)) return;
    report_mesh(context, options.mesh.string(), summary.result, summary.removed_components, !options.close_border);
}

void extract_radiance(VerbContext& context, const CLI::App& app, const Arguments& a,
                      const std::filesystem::path& model) {
    for (const char* name : {"--input", "--values", "--spacing", "--origin", "--inside-below", "--voxels", "--input-b",
                             "--seed-b", "--steps"})
        if (app.count(name) > 0) fail(ErrorKind::usage, "{} means nothing to a radiance field", name);
    const auto& o = a.options;
    pipeline::ExtractRadianceOptions r;
    r.model = model, r.mesh = o.mesh, r.level = o.level, r.resolution_0 = o.resolution_0, r.upsampling = o.upsampling;
    r.dense = o.dense, r.refine = o.refine, r.fill = !a.no_fill, r.close_border = !a.open_border;
    if (app.count("--min-component") > 0) r.min_component = o.min_component;
    if (!a.crop.empty()) r.crop = a.crop == "seen";
    if (!a.box.empty()) {
        r.box = geom::Box3d{{a.box[0], a.box[1], a.box[2]}, {a.box[3], a.box[4], a.box[5]}};
        if (!(a.box[0] < a.box[3] && a.box[1] < a.box[4] && a.box[2] < a.box[5]))
            fail(ErrorKind::usage, "--box: the first corner must be the lower one");
    }
    const auto summary = pipeline::extract_radiance(r, context.progress, context.timer);
    context.json["kind"] = "radiance";
    context.json["cropped_faces"] = summary.cropped_faces;
    report_mesh(context, o.mesh.string(), summary.result, summary.removed_components, true);
}

}  // namespace

VerbRun add_extract(CLI::App& app) {
    auto a = std::make_shared<Arguments>();
    auto& o = a->options;
    app.add_option("FIELD", o.source.field,
                   "A model (.safetensors), a run folder, or a volume (NPY, NPZ, binvox, VDB); radiance fields become "
                   "coloured meshes")
        ->required();
    app.add_option("-o,--output", o.mesh,
                   "The mesh: PLY, OBJ, STL, OFF or GLB; models that make points write a cloud, those that make voxels "
                   "also binvox or NPY")
        ->required();
    app.add_option(
        "--input", o.source.input,
        "What a conditional model is given, by its kind: points, voxels (binvox, NPY) or an image (PNG, NPY)");
    app.add_option(
        "--level", o.level,
        "The surface: a probability for models, a value for volumes (default: 0.5 for 0/1 volumes, otherwise 0), a "
        "density per world unit for radiance fields (default: worked out from the cameras)");
    app.add_option("--resolution-0", o.resolution_0, "Coarse cells along the longest side [32]")
        ->check(CLI::Range(1, 4096));
    app.add_option("--upsampling", o.upsampling, "How often cells near the surface are halved [2]")
        ->check(CLI::Range(0, 6));
    app.add_flag("--dense", o.dense, "Ask the field everywhere, not near the surface only");
    app.add_option("--refine", o.refine, "Root-finding steps that put vertices onto the level")
        ->check(CLI::Range(0, 100))
        ->capture_default_str();
    app.add_option("--values", o.values, "Also write the sampled lattice: NPY, index [x][y][z]");
    app.add_option("--spacing", a->spacing, "Distance of a volume's samples: one number or three")->expected(1, 3);
    app.add_option("--origin", a->origin, "Position of a volume's first sample: three numbers")->expected(3);
    app.add_flag("--inside-below", o.inside_below, "The volume's inside is below the level (signed distances)");
    app.add_option("--voxels", a->voxels,
                   "How cells become a mesh: boxes (default of models that make voxels) or surface (Marching Cubes; "
                   "default of volumes)")
        ->check(CLI::IsMember({"boxes", "surface"}));
    app.add_flag("--open-border", a->open_border, "Do not close a surface that leaves the domain");
    app.add_option("--min-component", o.min_component, "Drop pieces with less area than this share of the largest")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    app.add_option("--input-b", a->between.input_b,
                   "A second observation: write the shapes between the two, OUTPUT_000 and on, and a picture of all");
    app.add_option("--seed-b", a->between.seed_b, "The same with a second seed (see --seed) of a generative model");
    app.add_option("--steps", a->between.steps, "Shapes from one end to the other, both included")
        ->check(CLI::Range(2, 1000))
        ->capture_default_str();
    app.add_option("--box", a->box, "Radiance fields: lower and upper corner of what becomes a mesh [x y z x y z]")
        ->expected(6);
    app.add_option("--crop", a->crop,
                   "Radiance fields: seen drops what no camera saw (default of wide scenes), all drops nothing")
        ->check(CLI::IsMember({"seen", "all"}));
    app.add_flag("--no-fill", a->no_fill, "Radiance fields: keep shells behind the surface that the photos show");
    const CLI::App *root = app.get_parent(), *verb = &app;
    return [a, root, verb](VerbContext& context) {
        if (const auto model = pipeline::radiance_model_file(a->options.source.field)) {
            extract_radiance(context, *verb, *a, *model);
            return;
        }
        for (const char* name : {"--box", "--crop", "--no-fill"})
            if (verb->count(name) > 0) fail(ErrorKind::usage, "{} is for radiance fields", name);
        auto options = a->options;
        if (!a->spacing.empty()) options.source.spacing = parse_vector("--spacing", a->spacing);
        if (!a->origin.empty()) options.source.origin = parse_vector("--origin", a->origin);
        options.close_border = !a->open_border;
        if (!a->voxels.empty())
            options.voxel_mesh = a->voxels == "boxes" ? pipeline::VoxelMesh::boxes : pipeline::VoxelMesh::surface;
        if (root && root->count("--seed") > 0) options.source.seed = context.seed;
        if (a->interpolates()) {
            interpolate(context, a->between, options);
            return;
        }
        report(context, options, pipeline::extract_to_file(options, context.progress, context.timer));
    };
}

}  // namespace nir::app
