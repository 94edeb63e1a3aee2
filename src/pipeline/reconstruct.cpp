// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/reconstruct.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/base/stop.h"
#include "nir/extract/extract_mesh.h"
#include "nir/geom/bvh.h"
#include "nir/geom/color_transfer.h"
#include "nir/geom/frame.h"
#include "nir/geom/kd_tree.h"
#include "nir/geom/mesh_clean.h"
#include "nir/geom/rasterizer.h"
#include "nir/geom/sensors.h"
#include "nir/io/formats.h"
#include "nir/io/mesh_stream.h"
#include "nir/io/png.h"
#include "nir/models/cascade.h"
#include "nir/pipeline/open_field.h"

#include "pipeline/memory_plan.h"
#include "pipeline/mesh_support.h"
#include "pipeline/rank_group.h"
#include "pipeline/read_scans.h"
#include "pipeline/refine_scan.h"
#include "pipeline/trim_pieces.h"
#include "pipeline/unit_scan.h"
#include "pipeline/window_pieces.h"
#include "pipeline/window_surface.h"
#include "pipeline/word_hash.h"

#include <algorithm>
#include <cmath>
#include <variant>

namespace nir::pipeline {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr std::size_t kManyPoints = 300000;  ///< of which scans are worked through by windows
constexpr std::size_t kVeryMany = 3000000;   ///< of which finished windows go to the disk, not to memory
constexpr int kMostCoarseCells = 128;        ///< along the longest side, before MISE halves them
constexpr int kFineMesh = 640;               ///< cells along the longest side, up to which a feature cell gets two
constexpr std::size_t kFewPoints = 50000;    ///< of which long scans are too:
constexpr double kLong = 800;                ///< spacings along the longest side

/// Mesh cells along a feature cell: two show what the field holds; large scans, whose feature cells are far smaller
/// than anything seen in the whole, do with one.
int cells_per_feature_cell(const models::CascadeField& field) {
    if (field.fitted()) return 2 * field.domain().longest_side() <= kFineMesh * field.finest_cell() ? 2 : 1;
    return field.octaves() > 2 ? 1 : 2;
}

/// Whether a scan is worked through by windows for its size alone: for its points, or for its extent. The field of a
/// whole scan has as many cells for a street as for a cup.
bool is_large(const UnitScan& scan) {
    return scan.count >= kManyPoints || (scan.count >= kFewPoints && scan.spacing * kLong < 1);
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

std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

void make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) fail(ErrorKind::io, "{}: {}", folder.string(), error.message());
}

/// Joins ranks that share a work folder; null for a single process.
std::unique_ptr<RankGroup> join_ranks(const ReconstructOptions& options) {
    const RankPlace place = rank_place();
    if (place.size <= 1) return nullptr;
    if (options.work_dir.empty())
        fail(ErrorKind::usage, "{} ranks need a folder that they share: --work-dir DIR", place.size);
    make_folder(options.work_dir);
    return std::make_unique<RankGroup>(options.work_dir, place);
}

/// Of everything that finished windows depend on, in whatever order the points come.
std::uint64_t fingerprint(const UnitScan& scan, const geom::PointSource& points, const WindowSurfaceOptions& o,
                          const models::Cascade& model, const MemoryPlan& plan, const ReconstructOptions& options) {
    std::uint64_t sum = 0;
    points.visit([&](const geom::PointSource::Found& part) {
        for (std::size_t i = 0; i < part.index.size(); ++i) {
            WordHash point;
            point.add(part.index[i]), point.add(part.points[i]);
            if (!part.colors.empty()) point.add(part.colors[i]);
            if (!part.sensors.empty() && part.sensors[i] != geom::Sensors::kUnknownSensor)
                point.add(scan.sensors.positions[part.sensors[i]]);
            sum += point.value();
        }
    });
    constexpr std::uint64_t kGeneration = 2;  // of the method: windows of another one are not taken
    WordHash print;
    print.add(kGeneration), print.add(sum);
    print.add(scan.spacing), print.add(scan.noise), print.add(o.level), print.add(o.cell);
    print.add(o.window_cells), print.add(o.refine_steps), print.add(o.reach), print.add(options.detail);
    print.add(plan.encode.finest_cells), print.add(o.data.trim), print.add(o.data.length);
    for (const auto& [key, value] : model.metadata())
        for (const char c : key + value) print.add(c);
    return print.value();
}

/// The same by windows (window_surface.h): bounded memory, resumable, on several ranks.
/// @param spill_dir  on whose disk finished windows lie that have no work folder; empty = in memory
/// @return without pieces on ranks other than 0
WindowSurface windowed_surface(const UnitScan& scan, const models::Cascade& model, const ReconstructOptions& options,
                               const MemoryPlan& plan, const std::filesystem::path& spill_dir, double scale,
                               ReconstructResult& result, Progress& progress, PhaseTimer& timer) {
    const auto ranks = join_ranks(options);
    auto encoding = timer.phase("encode");
    const auto points = scan.by_places();
    const auto field = model.encode_windows(points, scan.encode_options(options), plan.encode, progress);
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
    o.sample_step = scan.sample_step;
    o.keep_all_parts = options.keep_all_components;
    o.data.spacing = scan.spacing;
    o.data.trim = options.trim;
    o.data.length = options.trim_distance / scale;
    o.data.sensors = scan.sensors.positions;
    o.data.samples = scan.samples;
    o.work_dir = options.work_dir;
    o.spill_dir = spill_dir;
    o.ranks = ranks.get();
    fit_windows_to_points(field->domain(), *points, plan.most_points, scan.spacing,
                          field->fitted() ? field->finest_cell() : 0, o);
    if (!o.work_dir.empty()) o.fingerprint = fingerprint(scan, *points, o, model, plan, options);
    WindowSurface surface = extract_by_windows(*field, *points, o, progress, timer);
    result.resolution = surface.resolution;
    result.queried_points = surface.queried_points;
    result.removed_components = surface.removed_parts;
    result.windows = surface.windows;
    result.resumed_windows = surface.resumed;
    result.on_other_rank = !surface.pieces;
    const auto is_kept = [](const auto& part) { return part.keep && part.faces > 0; };
    if (surface.pieces && std::ranges::none_of(surface.pieces->parts(), is_kept))
        fail(ErrorKind::numeric,
             "no surface: the field does not cross the level {:.3g}; the scan is outside what the "
             "model was trained for",
             o.level);
    return surface;
}

/// Mean and 95 % quantile of the distances from the points to the mesh, unit frame.
std::pair<double, double> residual(const geom::TriMesh& mesh, std::span<const Vec3d> points) {
    const geom::TriangleBvh bvh(mesh);
    std::vector<double> d(points.size());
    bvh.distances(points, d);
    return mean_and_p95(std::move(d));
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

bool is_refining(const ReconstructOptions& options) { return options.refine_seconds > 0 || options.refine_steps > 0; }

bool is_bounded(const ReconstructOptions& options) {
    return options.max_memory > 0 || !options.work_dir.empty() || rank_place().size > 1 || options.points_on_disk;
}

/// Where reconstruct_files() wants mesh and picture: large meshes are written without ever being in memory.
struct Target {
    std::filesystem::path mesh, preview;
};

/// One reconstruction, step by step.
class Reconstruction {
public:
    /// @param target  null: the mesh is wanted in memory
    Reconstruction(const ReconstructOptions& options, const Target* target, Progress& progress, PhaseTimer& timer)
        : options_(options), target_(target), progress_(progress), timer_(timer) {}

    /// @param scan  given up as soon as it is not needed any more, where the mesh is written piece by piece
    void run(geom::PointCloud&& scan) {
        {
            const auto normalizing = timer_.phase("normalize");
            unit_ = look_at_scan(scan, result_.scan, frame_);
        }
        make(std::move(scan));
    }
    void run(geom::ScanFile&& scan) {
        {
            const auto normalizing = timer_.phase("normalize");
            unit_ = look_at_scan(std::move(scan), result_.scan, frame_);
        }
        make({});
    }

    bool written() const { return streams_; }
    /// Of a scan on disk, for a picture.
    geom::PointCloud some_points() const {
        geom::PointCloud out;
        for (const auto& p : unit_.samples.points) out.points.push_back(frame_.user_from_unit(Vec3d(p)));
        out.colors = unit_.samples.colors;
        return out;
    }
    ReconstructResult take_result() { return std::move(result_); }

private:
    void make(geom::PointCloud&& scan) {
        result_.points = unit_.count;
        result_.sensors = unit_.sensors.positions.size();
        result_.points_on_disk = unit_.on_disk();
        const models::Cascade model = models::Cascade::load(find_model(options_.model));
        const bool bounded = is_bounded(options_) || unit_.on_disk();
        by_windows_ = bounded || (is_large(unit_) && !is_refining(options_));
        streams_ = by_windows_ && target_ && io::can_stream_mesh(target_->mesh);
        std::unique_ptr<WindowPieces> pieces;
        if (by_windows_) {
            // The finest cell of the mesh that the scan may ask for; it is known for sure when the field is.
            MemoryPlan plan =
                plan_memory({.bytes = options_.max_memory,
                             .points = result_.points,
                             .on_disk = unit_.on_disk(),
                             .colors = unit_.has_colors,
                             .sensors = !unit_.sensors.empty(),
                             .places = unit_.sensors.positions.size(),
                             .area = unit_.area,
                             .mesh_cell = options_.resolution > 0 ? 0.95 / options_.resolution : unit_.spacing,
                             .mesh_in_memory = !streams_,
                             .picture = target_ && !target_->preview.empty()});
            if (options_.resolution > 0) plan.encode.mesh_cell = 1.0 / options_.resolution;
            if (streams_) scan = {};
            const bool spill = target_ && (options_.max_memory > 0 || unit_.on_disk() || result_.points >= kVeryMany);
            WindowSurface surface =
                windowed_surface(unit_, model, options_, plan, spill ? folder_of(target_->mesh) : "", frame_.scale,
                                 result_, progress_, timer_);
            if (result_.on_other_rank) return;
            pieces = streams_ && options_.trim ? trim(surface) : std::move(surface.pieces);
        } else {
            whole_surface(unit_, model, options_, frame_.scale, result_, progress_, timer_);
        }
        finest_ = result_.cell;
        result_.cell *= frame_.scale;
        if (streams_)
            write(*pieces);
        else
            finish(pieces.get(), scan);
        judge(result_, options_, unit_.spacing * frame_.scale);
    }

    /// Piece by piece.
    std::unique_ptr<WindowPieces> trim(const WindowSurface& surface) {
        const auto trimming = timer_.phase("refine");
        return trim_pieces(
            *surface.pieces,
            {.windows = surface.lattice,
             .cell = surface.cell,
             .support = {.spacing = unit_.spacing, .trim = true, .length = options_.trim_distance / frame_.scale},
             .spill_dir = folder_of(target_->mesh)});
    }

    /// Piece by piece into the file.
    void write(WindowPieces& pieces) {
        const auto writing = timer_.phase("write");
        const geom::PointSource::Found some = std::move(unit_.samples);
        UnitScan rest;  // the points are not needed any more
        rest.spacing = unit_.spacing;
        unit_ = std::move(rest);
        const PieceFigures figures = write_pieces(pieces, {.frame = frame_,
                                                           .samples = in_double(some.points),
                                                           .sample_colors = some.colors,
                                                           .points = result_.points,
                                                           .mesh = target_->mesh,
                                                           .preview = target_->preview,
                                                           .confident = options_.trim});
        result_.report = figures.report;
        result_.residual_mean = figures.residual_mean;
        result_.residual_p95 = figures.residual_p95;
    }

    /// In memory. @param pieces  null: the mesh is there already
    void finish(WindowPieces* pieces, const geom::PointCloud& scan) {
        const auto finishing = timer_.phase("refine");
        const MeshSupportOptions support{.spacing = unit_.spacing,
                                         .trim = options_.trim,
                                         .length = options_.trim_distance / frame_.scale,
                                         .sensors = &unit_.sensors};
        if (pieces) {
            WindowPieces::Joined joined = pieces->join();
            result_.mesh = std::move(joined.mesh);
            apply_support(result_.mesh, joined.support, support);
        } else {
            const std::vector<Vec3d> exact = in_double(unit_.points);
            if (!options_.keep_all_components)
                result_.removed_components =
                    remove_unsupported(result_.mesh, some_of(std::span(exact)), 2 * unit_.spacing + finest_);
            support_mesh(result_.mesh, exact, support);
        }
        if (result_.mesh.empty()) fail(ErrorKind::numeric, "nothing is left of the surface after trimming");
        const auto [mean, p95] = residual(result_.mesh, in_double(unit_.samples.points));
        result_.residual_mean = mean * frame_.scale;
        result_.residual_p95 = p95 * frame_.scale;
        geom::to_user(frame_, result_.mesh);
        if (!pieces && !scan.colors.empty()) geom::transfer_colors(subset(scan, result_.scan.kept), result_.mesh);
        result_.report = geom::check_mesh(result_.mesh);
    }

    const ReconstructOptions& options_;
    const Target* target_;
    Progress& progress_;
    PhaseTimer& timer_;
    ReconstructResult result_;
    geom::Frame frame_;
    UnitScan unit_;
    double finest_ = 0;  ///< cell of the features, unit frame
    bool by_windows_ = false, streams_ = false;
};

void check_options(const ReconstructOptions& options) {
    if (!(options.level > 0 && options.level < 1))
        fail(ErrorKind::usage, "--level {} is not a probability between 0 and 1", options.level);
    if (is_refining(options) && is_bounded(options))
        fail(
            ErrorKind::usage,
            "--refine changes the field of the whole scan, --max-memory and --work-dir make it by windows: take one of "
            "them");
}

const char* when_stopped(const ReconstructOptions& options) {
    return options.work_dir.empty() ? "stopped; nothing was written"
                                    : "stopped; finished windows are kept in the work folder";
}

ReadScansOptions reading_options(const ReconstructOptions& options, const Target& target) {
    ReadScansOptions out;
    out.sensors = options.sensors;
    out.max_memory = options.max_memory;
    out.on_disk = options.points_on_disk;
    if (options.detail == models::Cascade::Detail::learned)
        out.needs_memory = "--detail learned shows the network all of them at once";
    out.mesh = {.in_memory = !io::can_stream_mesh(target.mesh),
                .picture = !target.preview.empty(),
                .resolution = options.resolution};
    out.folder = options.work_dir.empty() ? folder_of(target.mesh) : options.work_dir;
    return out;
}

}  // namespace

ReconstructResult reconstruct(const geom::PointCloud& scan, const ReconstructOptions& options, Progress& progress,
                              PhaseTimer& timer) {
    check_options(options);
    const StopScope stop(progress, when_stopped(options));
    Reconstruction reconstruction(options, nullptr, progress, timer);
    reconstruction.run(geom::PointCloud(scan));
    return reconstruction.take_result();
}

ReconstructResult reconstruct_files(const std::vector<std::filesystem::path>& scans, const std::filesystem::path& mesh,
                                    const std::filesystem::path& preview, const ReconstructOptions& options,
                                    Progress& progress, PhaseTimer& timer) {
    check_options(options);
    check_writable(mesh);
    if (!preview.empty()) check_writable(preview);
    const StopScope stop(progress, when_stopped(options));
    const Target target{mesh, preview};
    auto reading = timer.phase("read");
    if (!options.work_dir.empty()) make_folder(options.work_dir);
    auto scan = read_scans(scans, reading_options(options, target), progress);
    reading.close();
    const std::string name = scans.size() == 1 ? scans[0].string() : fmt::format("{} scans", scans.size());
    Reconstruction reconstruction(options, &target, progress, timer);
    with_context(name, [&] { std::visit([&](auto& s) { reconstruction.run(std::move(s)); }, scan); });
    ReconstructResult result = reconstruction.take_result();
    if (result.on_other_rank || reconstruction.written()) return result;
    std::optional<geom::Image8> picture;
    if (!preview.empty()) {
        const auto rendering = timer.phase("render");
        const auto* cloud = std::get_if<geom::PointCloud>(&scan);
        picture = geom::preview(cloud ? *cloud : reconstruction.some_points(), result.mesh);
    }
    const auto writing = timer.phase("write");  // last: what is stopped leaves nothing
    io::write_geometry(mesh, result.mesh);
    if (picture) io::write_png(preview, *picture);
    return result;
}

}  // namespace nir::pipeline
