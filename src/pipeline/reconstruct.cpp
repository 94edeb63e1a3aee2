// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/reconstruct.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/extract/extract_mesh.h"
#include "nir/geom/bvh.h"
#include "nir/geom/color_transfer.h"
#include "nir/geom/frame.h"
#include "nir/geom/kd_tree.h"
#include "nir/geom/mesh_clean.h"
#include "nir/geom/rasterizer.h"
#include "nir/geom/sensors.h"
#include "nir/io/formats.h"
#include "nir/io/png.h"
#include "nir/models/cascade.h"
#include "nir/pipeline/open_field.h"

#include "pipeline/mesh_support.h"
#include "pipeline/rank_group.h"
#include "pipeline/read_sensors.h"
#include "pipeline/refine_scan.h"
#include "pipeline/window_surface.h"
#include "pipeline/word_hash.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr std::size_t kSeedPoints = 200000;  ///< points at which the lattice is refined and the mesh is judged
constexpr std::size_t kManyPoints = 300000;  ///< of which scans are worked through by windows
constexpr int kMostCoarseCells = 128;        ///< along the longest side, before MISE halves them
constexpr int kFineMesh = 640;               ///< cells along the longest side, up to which a feature cell gets two

/// Mesh cells along a feature cell: two show what the field holds; large scans, whose feature cells are far smaller
/// than anything seen in the whole, do with one.
int cells_per_feature_cell(const models::CascadeField& field) {
    if (field.fitted()) return 2 * field.domain().longest_side() <= kFineMesh * field.finest_cell() ? 2 : 1;
    return field.octaves() > 2 ? 1 : 2;
}

std::vector<Vec3d> in_double(std::span<const Vec3f> points) {
    std::vector<Vec3d> q(points.size());
    std::transform(points.begin(), points.end(), q.begin(), [](Vec3f p) { return static_cast<Vec3d>(p); });
    return q;
}

/// No more than kSeedPoints (about) of the points, evenly by their order.
template <class T>
std::vector<T> some_of(std::span<const T> points) {
    const std::size_t step = points.size() / kSeedPoints + 1;
    std::vector<T> out;
    for (std::size_t i = 0; i < points.size(); i += step) out.push_back(points[i]);
    return out;
}

/// Removes parts that hardly any point supports: bubbles around outliers and voids inside thick solids.
std::size_t remove_unsupported(geom::TriMesh& mesh, std::span<const Vec3d> points, double reach) {
    const geom::MeshComponents parts = geom::find_components(mesh);
    if (parts.components.size() < 2) return 0;
    const auto support = support_of_parts(mesh, parts.of_face, parts.components.size(), points, reach);
    const std::size_t needed = needed_support(*std::max_element(support.begin(), support.end()), points.size());
    std::vector<std::uint8_t> keep(mesh.faces.size());
    for (std::size_t f = 0; f < keep.size(); ++f) keep[f] = support[parts.of_face[f]] >= needed;
    geom::keep_faces(mesh, keep);
    return static_cast<std::size_t>(
        std::count_if(support.begin(), support.end(), [&](std::size_t s) { return s < needed; }));
}

geom::PointCloud subset(const geom::PointCloud& cloud, const std::vector<std::uint32_t>& kept) {
    geom::PointCloud out;
    for (const auto i : kept) {
        out.points.push_back(cloud.points[i]);
        if (!cloud.colors.empty()) out.colors.push_back(cloud.colors[i]);
        if (!cloud.sensors.empty()) out.sensors.push_back(cloud.sensors[i]);
    }
    return out;
}

/// The sensors of a cloud in the unit frame.
geom::Sensors sensors_of(const geom::PointCloud& cloud, const geom::Frame& frame) {
    geom::Sensors sensors = geom::group_sensors(cloud.sensors);
    for (auto& p : sensors.positions) p = frame.unit_from_user(p);
    return sensors;
}

/// Mesh cells along the longest side of the field.
int mesh_cells(const models::CascadeField& field, const ReconstructOptions& options) {
    const double side = field.domain().longest_side();
    if (options.resolution > 0)
        return static_cast<int>(std::ceil(options.resolution * side));  // the scan's longest side is 1
    return static_cast<int>(std::lround(side / field.finest_cell() * cells_per_feature_cell(field)));
}

extract::ExtractOptions extract_options(const models::CascadeField& field, std::span<const Vec3f> points,
                                        const ReconstructOptions& options) {
    extract::ExtractOptions e;
    const int cells = mesh_cells(field, options);
    e.upsampling = cells >= 64 ? 2 : 0;
    while (field.fitted() && cells >> e.upsampling > kMostCoarseCells) ++e.upsampling;
    e.resolution_0 = std::max(4, (cells + (1 << e.upsampling) - 1) >> e.upsampling);
    e.level = logit_of_level(options.level);
    e.seeds = some_of(points);
    if (field.fitted()) e.refine_steps = 1;  // the field is a distance near the surface
    e.slopes = true;
    return e;
}

/// A scan in the frame in which its longest side is 1, and what is known of it there.
struct UnitScan {
    std::vector<Vec3f> points;
    double spacing = 0, noise = 0, area = 0;
    geom::Sensors sensors;

    models::Cascade::EncodeOptions encode_options(const ReconstructOptions& options) const {
        return {.spacing = spacing, .noise = noise, .detail = options.detail, .sensors = &sensors};
    }
};

/// Encodes and extracts in one go; sets everything of the result but the mesh's frame and figures.
void whole_surface(const UnitScan& scan, const models::Cascade& model, const ReconstructOptions& options, double scale,
                   ReconstructResult& result, Progress& progress, PhaseTimer& timer) {
    auto encoding = timer.phase("encode");
    const models::Cascade::EncodeOptions encode_options = scan.encode_options(options);
    const auto field = model.encode(scan.points, encode_options, progress);
    encoding.close();
    if (options.refine_seconds > 0 || options.refine_steps > 0) {
        const auto phase = timer.phase("refine on scan");
        result.refinement = refine_on_scan(*field, scan.points, encode_options, scale, options, progress);
    }
    result.octaves = field->octaves();
    result.fitted = field->fitted();
    result.cell = field->finest_cell();
    const extract::ExtractOptions extraction = extract_options(*field, scan.points, options);
    extract::ExtractResult extracted = extract::extract_mesh(*field, extraction, progress, &timer);
    result.resolution = extraction.resolution_0 << extraction.upsampling;
    result.queried_points = extracted.queried_points;
    if (extracted.mesh.empty())
        fail(ErrorKind::numeric,
             "no surface: the field lies between {:.3g} and {:.3g} everywhere, the level is {:.3g}; the scan is "
             "outside what the model was trained for",
             extracted.lowest, extracted.highest, extracted.level);
    result.mesh = std::move(extracted.mesh);
}

/// The same by windows (window_surface.h): bounded memory, resumable, on several ranks.
void windowed_surface(const UnitScan& scan, const models::Cascade& model, const ReconstructOptions& options,
                      ReconstructResult& result, Progress& progress, PhaseTimer& timer) {
    std::unique_ptr<RankGroup> ranks;
    const RankPlace place = rank_place();
    if (place.size > 1) {
        if (options.work_dir.empty())
            fail(ErrorKind::usage, "{} ranks need a folder that they share: --work-dir DIR", place.size);
        std::error_code error;
        std::filesystem::create_directories(options.work_dir, error);
        if (error) fail(ErrorKind::io, "{}: {}", options.work_dir.string(), error.message());
        ranks = std::make_unique<RankGroup>(options.work_dir, place);
    }
    // The finest cell of the mesh that the scan may ask for; it is known for sure when the field is.
    MemoryPlan plan = plan_memory(options.max_memory, scan.points.size(), scan.area, scan.spacing);
    auto encoding = timer.phase("encode");
    const auto field = model.encode_windows(scan.points, scan.encode_options(options), plan.encode, progress);
    encoding.close();
    result.octaves = field->octaves();
    result.fitted = field->fitted();
    result.cell = field->finest_cell();

    WindowSurfaceOptions o;
    o.level = logit_of_level(options.level);
    o.cell = static_cast<double>(field->domain().longest_side()) / mesh_cells(*field, options);
    o.window_cells = plan.window_cells;
    o.windows_per_tile = plan.windows_per_tile;
    o.refine_steps = field->fitted() ? 1 : 3;
    o.reach = 2 * scan.spacing + field->finest_cell();
    o.sample_step = scan.points.size() / kSeedPoints + 1;
    o.keep_all_parts = options.keep_all_components;
    o.work_dir = options.work_dir;
    o.ranks = ranks.get();
    WordHash print;
    for (const auto& p : scan.points) print.add(p);
    for (const auto& p : scan.sensors.positions) print.add(p);
    for (const auto i : scan.sensors.of_point) print.add(i);
    print.add(scan.spacing), print.add(scan.noise), print.add(o.level), print.add(o.cell);
    print.add(o.window_cells), print.add(o.refine_steps), print.add(o.reach), print.add(options.detail);
    print.add(plan.encode.finest_cells);
    for (const auto& [key, value] : model.metadata())
        for (const char c : key + value) print.add(c);
    o.fingerprint = print.value();
    WindowSurface surface = extract_by_windows(*field, scan.points, o, progress, timer);
    result.resolution = surface.resolution;
    result.queried_points = surface.queried_points;
    result.removed_components = surface.removed_parts;
    result.windows = surface.windows;
    result.resumed_windows = surface.resumed;
    result.on_other_rank = ranks && ranks->rank() != 0;
    if (surface.mesh.empty() && !result.on_other_rank)
        fail(ErrorKind::numeric,
             "no surface: the field does not cross the level {:.3g}; the scan is outside what the "
             "model was trained for",
             o.level);
    result.mesh = std::move(surface.mesh);
}

/// Mean and 95 % quantile of the distances from the points to the mesh, unit frame.
std::pair<double, double> residual(const geom::TriMesh& mesh, std::span<const Vec3d> points) {
    const geom::TriangleBvh bvh(mesh);
    std::vector<double> d(points.size());
    bvh.distances(points, d);
    double mean = 0;
    for (const double x : d) mean += x / static_cast<double>(d.size());
    const auto p95 = d.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(d.size() - 1));
    std::nth_element(d.begin(), p95, d.end());
    return {mean, *p95};
}

void judge(ReconstructResult& r, const ReconstructOptions& options, double spacing) {
    for (const auto& f : r.scan.findings)
        if (f.severity == geom::Severity::warning) r.warnings.push_back(f.text);
    if (r.residual_mean > 0.75 * spacing || r.residual_p95 > 2.5 * spacing)
        r.warnings.push_back(
            fmt::format("the mesh misses the scan: its points lie {:.4g} from it on average, 95 % within {:.4g} (point "
                        "spacing {:.4g}); the scan is outside what the model was trained for",
                        r.residual_mean, r.residual_p95, spacing));
    if (!options.trim && !r.report.watertight())
        r.warnings.push_back("the mesh is not watertight: " + r.report.summary());
}

}  // namespace

ReconstructResult reconstruct(const geom::PointCloud& scan, const ReconstructOptions& options, Progress& progress,
                              PhaseTimer& timer) {
    if (!(options.level > 0 && options.level < 1))
        fail(ErrorKind::usage, "--level {} is not a probability between 0 and 1", options.level);
    ReconstructResult result;
    auto normalizing = timer.phase("normalize");
    result.scan = geom::inspect_scan(scan.points);
    if (const auto* problem = result.scan.error()) fail(ErrorKind::input, "{}", problem->text);
    const geom::PointCloud used = subset(scan, result.scan.kept);
    const geom::Frame frame = geom::fit_frame(result.scan.robust_box);
    UnitScan unit;
    unit.points = geom::unit_from_user(frame, used.points);
    unit.spacing = result.scan.spacing.surface / frame.scale;
    unit.noise = result.scan.spacing.noise / frame.scale;
    unit.area = static_cast<double>(unit.points.size()) * unit.spacing * unit.spacing;
    unit.sensors = sensors_of(used, frame);
    result.sensors = unit.sensors.positions.size();
    result.points = unit.points.size();
    normalizing.close();

    const models::Cascade model = models::Cascade::load(find_model(options.model));
    const bool refining = options.refine_seconds > 0 || options.refine_steps > 0;
    const bool bounded = options.max_memory > 0 || !options.work_dir.empty() || rank_place().size > 1;
    if (refining && bounded)
        fail(ErrorKind::usage,
             "--refine changes the field of the whole scan, --max-memory and --work-dir make it by "
             "windows: take one of them");
    const bool by_windows = bounded || (result.points >= kManyPoints && !refining);
    if (by_windows)
        windowed_surface(unit, model, options, result, progress, timer);
    else
        whole_surface(unit, model, options, frame.scale, result, progress, timer);
    if (result.on_other_rank) return result;
    const double finest = result.cell, spacing = unit.spacing;
    result.cell *= frame.scale;

    const auto finishing = timer.phase("refine");
    const std::vector<Vec3d> exact = in_double(unit.points);
    const std::vector<Vec3d> some = some_of(std::span(exact));
    if (!by_windows && !options.keep_all_components)
        result.removed_components = remove_unsupported(result.mesh, some, 2 * spacing + finest);
    support_mesh(result.mesh, exact,
                 {.spacing = spacing,
                  .trim = options.trim,
                  .length = options.trim_distance / frame.scale,
                  .sensors = &unit.sensors});
    if (result.mesh.empty()) fail(ErrorKind::numeric, "nothing is left of the surface after trimming");
    const auto [mean, p95] = residual(result.mesh, some);
    result.residual_mean = mean * frame.scale;
    result.residual_p95 = p95 * frame.scale;
    geom::to_user(frame, result.mesh);
    if (!used.colors.empty()) geom::transfer_colors(used, result.mesh);
    result.report = geom::check_mesh(result.mesh);
    judge(result, options, spacing * frame.scale);
    return result;
}

ReconstructResult reconstruct_files(const std::vector<std::filesystem::path>& scans, const std::filesystem::path& mesh,
                                    const std::filesystem::path& preview, const ReconstructOptions& options,
                                    Progress& progress, PhaseTimer& timer) {
    check_writable(mesh);
    if (!preview.empty()) check_writable(preview);
    auto reading = timer.phase("read");
    geom::PointCloud scan;
    for (const auto& file : scans) append_scan(scan, io::read_point_cloud(file));
    if (!options.sensors.empty()) scan.sensors = read_sensors(options.sensors, scan.size());
    reading.close();
    const std::string name = scans.size() == 1 ? scans[0].string() : fmt::format("{} scans", scans.size());
    ReconstructResult result = with_context(name, [&] { return reconstruct(scan, options, progress, timer); });
    if (result.on_other_rank) return result;
    {
        const auto writing = timer.phase("write");
        io::write_geometry(mesh, result.mesh);
    }
    if (!preview.empty()) {
        const auto rendering = timer.phase("render");
        io::write_png(preview, geom::preview(scan, result.mesh));
    }
    return result;
}

}  // namespace nir::pipeline
