// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir prepare: meshes become a training set.
#include "nir/base/error.h"
#include "nir/data/shape_generator.h"
#include "nir/pipeline/prepare.h"
#include "nir/pipeline/prepare_lights.h"

#include "verb.h"

#include <array>
#include <charconv>
#include <memory>

namespace nir::app {
namespace {

struct Arguments {
    pipeline::PrepareOptions options;
    pipeline::PrepareLightsOptions lights;
    std::string layout = "papers", split = "0.8,0.1,0.1", azimuth = "0,360", families;
    std::string voxel_rule = "surface", up = "y";
    bool winding = false, float32 = false;
};

/// Numbers by commas; `what` says which are wanted.
template <std::size_t N>
std::array<double, N> parse_numbers(const char* option, const std::string& text, const char* what) {
    std::array<double, N> out{};
    const char *at = text.data(), *end = at + text.size();
    for (std::size_t i = 0; i < N; ++i) {
        const auto [next, error] = std::from_chars(at, end, out[i]);
        if (error != std::errc{} || (i + 1 < N ? next == end || *next != ',' : next != end))
            fail(ErrorKind::usage, "{} {}: write {}", option, text, what);
        at = next + 1;
    }
    return out;
}

std::vector<std::string> split_at_commas(const std::string& text) {
    std::vector<std::string> out;
    if (text.empty()) return out;
    for (std::size_t at = 0, comma = 0; comma != std::string::npos; at = comma + 1)
        comma = text.find(',', at), out.push_back(text.substr(at, comma - at));
    return out;
}

void add_sampling_options(CLI::App& app, Arguments& a) {
    auto& o = a.options;
    app.add_option("--points", o.points, "Labelled points per mesh")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 30))
        ->capture_default_str();
    app.add_option("--uniform-ratio", o.uniform_ratio,
                   "Share of them uniform in the padded cube; the rest lies near the surface")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    app.add_option("--near-sigma", o.near_sigma, "Standard deviation of those from the surface, longest side 1")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    app.add_option("--surface-points", o.surface_points,
                   "As many labelled points more, all near the surface, in points_surface.npz")
        ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 30))
        ->capture_default_str();
    app.add_option("--padding", o.padding, "The cube of the points has side 1 + PADDING")
        ->check(CLI::Range(0.0, 10.0))
        ->capture_default_str();
    app.add_option("--samples", o.samples, "Surface points with normals per mesh")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 30))
        ->capture_default_str();
    app.add_option("--voxels", o.voxels, "Cells a side of the voxel grid; 0 = none")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    app.add_option(
           "--voxel-rule", a.voxel_rule,
           "surface: cells inside or touched by the surface, as binvox makes them; centre: cells whose middle is "
           "inside")
        ->check(CLI::IsMember({"surface", "centre"}))
        ->capture_default_str();
    auto* winding = app.add_flag("--winding", a.winding, "Labels by the generalised winding number (the default)");
    app.add_flag("--parity", o.parity, "Labels by ray parity: for closed meshes only")->excludes(winding);
    app.add_option("--winding-accuracy", o.winding_accuracy,
                   "Far parts of the mesh count as a whole beyond this many of their radii")
        ->check(CLI::Range(1.0, 1000.0))
        ->capture_default_str();
    app.add_flag("--float32", a.float32, "Store points as float32; default: float16, as the papers do");
}

/// Options of posed photos of every mesh.
void add_photo_options(CLI::App& app, pipeline::PrepareOptions& o) {
    app.add_option("--photos", o.photos,
                   "Posed photos of each mesh from all sides, with masks, depth and normals, as differentiable "
                   "volumetric rendering reads them; shapes of --generate get colours")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    app.add_option("--photo-size", o.photo_size, "Side of the photos, pixels")
        ->check(CLI::Range(16, 4096))
        ->capture_default_str();
    app.add_flag("--lit", o.lit, "Each photo below a lamp of its own, with shadows (lights.npz)");
}

/// Options of pictures under lamps, beside --views, --view-size, -o and --force.
CLI::Option* add_light_options(CLI::App& app, Arguments& a) {
    auto& o = a.lights;
    auto* lights = app.add_option("--lights", o.lights,
                                  "Instead of a set of shapes: pictures of one MESH, each of --views views under each "
                                  "of N lamps, with views and lamps for tests (configs/light trains on them)")
                       ->check(CLI::Range(1, 1000))
                       ->type_name("N");
    app.add_option("--roughness", o.material.roughness, "--lights: of the surface")
        ->check(CLI::Range(0.02f, 1.0f))
        ->capture_default_str();
    app.add_option("--specular", o.material.specular, "--lights: reflectance at normal incidence")
        ->check(CLI::Range(0.0f, 1.0f))
        ->capture_default_str();
    app.add_option("--metallic", o.material.metallic, "--lights: 1 = a metal")
        ->check(CLI::Range(0.0f, 1.0f))
        ->capture_default_str();
    return lights;
}

void run_lights(const Arguments& a, bool sized, bool counted, VerbContext& context) {
    pipeline::PrepareLightsOptions o = a.lights;
    if (a.options.inputs.size() != 1 || a.options.generate > 0 || a.options.rooms > 0)
        fail(ErrorKind::usage, "--lights takes one MESH");
    o.mesh = a.options.inputs.front(), o.out = a.options.out, o.force = a.options.force, o.seed = context.seed;
    if (sized) o.size = a.options.view_size;
    if (counted) o.views = a.options.views;
    if (o.views < 1) fail(ErrorKind::usage, "--lights needs --views of at least 1");
    const pipeline::PrepareLightsResult r = pipeline::prepare_lights(o, context.progress, context.timer);
    context.json["train"] = r.train, context.json["test_view"] = r.test_view;
    context.json["test_light"] = r.test_light, context.json["test_both"] = r.test_both;
    context.print("{}: {} pictures to train with, {} of other views, {} under other lamps, {} of both\n",
                  o.out.string(), r.train, r.test_view, r.test_light, r.test_both);
}

void report(VerbContext& context, const pipeline::PrepareResult& result, const pipeline::PrepareOptions& options) {
    const auto json = nlohmann::ordered_json::parse(pipeline::prepare_report_json(result, options));
    for (const auto& [key, value] : json["totals"].items()) context.json[key] = value;
    for (const char* key : {"options", "packed", "failed"}) context.json[key] = json[key];
    auto& worst = context.json["worst"] = nlohmann::ordered_json::array();
    for (const auto* m : result.worst()) worst.push_back(m->model_class + "/" + m->name);
    context.json["quality"] = json["models"];
    context.json["report"] = result.report.string();
    context.print("{}", pipeline::prepare_report_text(result, options));
}

}  // namespace

VerbRun add_prepare(CLI::App& app) {
    auto a = std::make_shared<Arguments>();
    auto& o = a->options;
    app.add_option(
        "MESH", o.inputs,
        "Meshes, folders with CLASS/NAME.ply (.obj, .off, .stl), or one data set in the papers' layout to pack");
    app.add_option("--generate", o.generate,
                   "Instead of MESH: N random shapes of each family, a class each, drawn from --seed")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1000000}))
        ->type_name("N");
    app.add_option("--rooms", o.rooms,
                   "Instead of MESH: N synthetic rooms of each kind, rooms_04 to rooms_08 with 4 to 8 objects, after "
                   "convolutional occupancy networks")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1000000}))
        ->type_name("N");
    app.add_option("--objects", o.objects,
                   "Meshes and folders with CLASS/NAME.ply that stand in --rooms; default: random shapes")
        ->type_name("MESH…");
    app.add_option("--room-files", o.room_files, "Files of points and of labels per room; training draws one of them")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    app.add_option(
           "--families", a->families,
           fmt::format("Families of --generate or --rooms, by commas; default: all ({}); for --rooms five of them",
                       fmt::join(data::shape_families(), ", ")))
        ->type_name("A,B,…");
    app.add_option("--cells", o.generated_cells, "Cells along the longest side in which these shapes are meshed")
        ->check(CLI::Range(16, 1024))
        ->capture_default_str();
    app.add_option("-o,--output", o.out, "Folder of the data set")->required()->type_name("DATASET");
    app.add_option("--layout", a->layout, "papers: folders as the papers' code reads them; packed: a file per split")
        ->check(CLI::IsMember({"papers", "packed", "papers,packed", "packed,papers"}))
        ->capture_default_str();
    add_sampling_options(app, *a);
    auto* views = app.add_option("--views", o.views, "Rendered pictures per mesh, with cameras; 0 = none")
                      ->check(CLI::Range(0, 1000))
                      ->capture_default_str();
    auto* view_size = app.add_option("--view-size", o.view_size, "Side of the pictures, pixels")
                          ->check(CLI::Range(16, 4096))
                          ->capture_default_str();
    add_photo_options(app, o);
    app.add_option("--azimuth", a->azimuth,
                   "Directions the pictures are taken from, degrees about the y axis; 0 = from +x, 90 = from +z")
        ->type_name("LO,HI")
        ->capture_default_str();
    app.add_option("--up", a->up, "Axis of the meshes that points up; data sets have y up")
        ->check(CLI::IsMember({"y", "z"}))
        ->capture_default_str();
    app.add_flag("--keep-meshes", o.keep_meshes,
                 "Store each mesh in the unit cube (mesh.ply), to compare results with; --generate always does");
    auto* split =
        app.add_option("--split", a->split, "Shares of train, val and test in every class; rooms: 0.75,0.05,0.2")
            ->capture_default_str();
    app.add_option("--class", o.class_name, "Class of meshes that are named one by one")->capture_default_str();
    auto* resume = app.add_flag("--resume", o.resume, "Keep the models that are finished");
    app.add_flag("--force", o.force, "Replace models that are there")->excludes(resume);
    app.add_flag("--skip-bad", o.skip_bad, "Meshes that cannot be used do not count as a failure (exit code 3)");
    const auto* lights = add_light_options(app, *a);
    return [a, split, lights, views, view_size](VerbContext& context) {
        if (lights->count() > 0) {
            run_lights(*a, view_size->count() > 0, views->count() > 0, context);
            return;
        }
        auto& options = a->options;
        if (options.rooms > 0 && split->count() == 0) a->split = "0.75,0.05,0.2";
        options.papers = a->layout.find("papers") != std::string::npos;
        options.packed = a->layout.find("packed") != std::string::npos;
        options.split = parse_numbers<3>("--split", a->split, "three shares like 0.8,0.1,0.1");
        options.azimuth = parse_numbers<2>("--azimuth", a->azimuth, "two angles in degrees like 0,360");
        options.families = split_at_commas(a->families);
        options.voxel_surface = a->voxel_rule == "surface";
        options.z_up = a->up == "z", options.half = !a->float32, options.seed = context.seed;
        const auto result = pipeline::prepare(options, context.progress, context.timer);
        report(context, result, options);
        if (!result.failed.empty() && !options.skip_bad)
            context.incomplete = fmt::format(
                "{} of {} meshes could not be used (the first: {}); the others are in {}, --skip-bad accepts this",
                result.failed.size(), result.failed.size() + result.models.size(), result.failed.front().reason,
                options.out.string());
    };
}

}  // namespace nir::app
