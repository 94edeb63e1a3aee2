// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// nir reconstruct: the main job, a scan in, a mesh out.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/pipeline/reconstruct.h"

#include "verb.h"

#include <map>
#include <memory>

namespace nir::app {
namespace {

struct Arguments {
    std::vector<std::filesystem::path> scans;
    std::filesystem::path mesh, preview;
    std::string trim;
    pipeline::ReconstructOptions options;
};

void report(VerbContext& context, const Arguments& a, const pipeline::ReconstructResult& r) {
    if (r.on_other_rank) {
        context.print("windows done; the mesh is written by rank 0\n");
        return;
    }
    for (const auto& w : r.warnings) log_warning("{}", w);
    auto& j = context.json;
    j["points"] = r.points;
    j["points_on_disk"] = r.points_on_disk;
    j["sensors"] = r.sensors;
    j["vertices"] = r.report.vertices;
    j["faces"] = r.report.faces;
    j["watertight"] = r.report.watertight();
    j["components"] = r.report.components;
    j["genus"] = r.report.genus();
    j["residual"] = {{"mean", r.residual_mean}, {"p95", r.residual_p95}};
    j["point_spacing"] = r.scan.spacing.surface;
    j["point_noise"] = r.scan.spacing.noise;
    j["octaves"] = r.octaves;
    j["fitted"] = r.fitted;
    if (const auto& f = r.refinement)
        j["refine"] = {{"steps", f->steps},
                       {"kept", f->kept},
                       {"points", f->points},
                       {"held_out", f->held_out},
                       {"residual_before", f->residual_before},
                       {"residual_after", f->residual_after},
                       {"held_out_before", f->held_out_before},
                       {"held_out_after", f->held_out_after},
                       {"seconds", f->seconds},
                       {"stopped_by", to_string(f->stopped_by)}};
    j["resolution"] = r.resolution;
    j["queried_points"] = r.queried_points;
    j["removed_components"] = r.removed_components;
    j["windows"] = r.windows;
    j["resumed_windows"] = r.resumed_windows;
    j["warnings"] = r.warnings;
    context.print(
        "{}: {} vertices, {} faces, {}; from {} points, {:.4g} away on average (95 % within {:.4g}); {:.2f} s\n",
        a.mesh.string(), r.report.vertices, r.report.faces, r.report.summary(), r.points, r.residual_mean,
        r.residual_p95, context.timer.total_seconds());
}

}  // namespace

VerbRun add_reconstruct(CLI::App& app) {
    auto a = std::make_shared<Arguments>();
    app.add_option("SCAN", a->scans, "Point clouds (PLY, OBJ, OFF, STL, XYZ, PCD, NPY, NPZ); several are taken as one")
        ->required();
    app.add_option("-o,--output", a->mesh, "The mesh (PLY, OBJ, STL, OFF, GLB by its ending)")->required();
    app.add_option("--model", a->options.model, "Name of a model that ships, or a model file")->capture_default_str();
    app.add_option("--resolution", a->options.resolution,
                   "Mesh cells along the longest side; 0 = from the point spacing")
        ->check(CLI::Range(0, 4096))
        ->capture_default_str();
    app.add_option("--level", a->options.level, "Probability of the surface")
        ->check(CLI::Range(0.001, 0.999))
        ->capture_default_str();
    app.add_option("--trim", a->trim,
                   "Cut away surface farther than LENGTH from every point; auto = 2.5 point spacings as they are there "
                   "(default: closed)");
    app.add_option("--sensors", a->options.sensors,
                   "Where the sensors stood: NPZ with stations [S,3] and station [N], or sensors [N,3] (default: what "
                   "the scans say)");
    using Detail = models::Cascade::Detail;
    app.add_option(
           "--detail", a->options.detail,
           "Where the finest detail comes from: the network (learned), planes fitted to the points (fitted, for "
           "dense scans), or as the density says (auto)")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, Detail>{
                {"auto", Detail::automatic}, {"learned", Detail::learned}, {"fitted", Detail::fitted}},
            CLI::ignore_case))
        ->default_str("auto");
    app.add_option("--refine", a->options.refine_seconds,
                   "Move the surface towards the points for at most SECONDS, as long as points held out come closer")
        ->check(CLI::PositiveNumber)
        ->type_name("SECONDS");
    app.add_option("--refine-steps", a->options.refine_steps,
                   "The same by number of steps instead of time: equal bytes in every run")
        ->check(CLI::Range(1, 1000000));
    app.add_flag("--keep-all", a->options.keep_all_components, "Keep small parts that hardly any point supports");
    add_size_option(app, "--max-memory", a->options.max_memory,
                    "Memory that the program may take (1500M, 2G): the scan is worked through by windows that fit; "
                    "points that do not "
                    "fit lie sorted on the disk of the output or of the work folder");
    app.add_option(
        "--work-dir", a->options.work_dir,
        "Folder for finished windows: a stopped or killed run goes on where it was; several ranks (torchrun, "
        "mpirun, Slurm) share the work");
    app.add_option("--preview", a->preview, "Write a picture (PNG) of scan and mesh");
    return [a](VerbContext& context) {
        if (!a->trim.empty()) {
            a->options.trim = true;
            if (a->trim != "auto") {
                char* end = nullptr;
                a->options.trim_distance = std::strtod(a->trim.c_str(), &end);
                if (*end != '\0' || !(a->options.trim_distance > 0))
                    fail(ErrorKind::usage, "--trim \"{}\" is neither auto nor a length above 0", a->trim);
            }
        }
        report(context, *a,
               pipeline::reconstruct_files(a->scans, a->mesh, a->preview, a->options, context.progress, context.timer));
    };
}

}  // namespace nir::app
