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
#include "nir/io/formats.h"
#include "nir/io/png.h"
#include "nir/models/cascade.h"

#include "pipeline/refine_scan.h"

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr std::size_t kSeedPoints = 200000;  ///< points at which the lattice is refined and the mesh is judged
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
    std::vector<std::uint32_t> part_of_vertex(mesh.vertices.size(), 0);
    for (std::size_t f = 0; f < mesh.faces.size(); ++f)
        for (const auto v : mesh.faces[f]) part_of_vertex[v] = parts.of_face[f];
    std::vector<std::size_t> support(parts.components.size(), 0);
    const geom::KdTree tree(mesh.vertices);
    std::vector<geom::Neighbor> nearest(points.size());
    tree.nearest(points, nearest);
    for (const auto& n : nearest)
        if (n.squared_distance < reach * reach) ++support[part_of_vertex[n.index]];
    const std::size_t most = *std::max_element(support.begin(), support.end());
    const std::size_t needed = std::min(most, std::max<std::size_t>(8, points.size() / 500));
    std::vector<std::uint8_t> keep(mesh.faces.size());
    for (std::size_t f = 0; f < keep.size(); ++f) keep[f] = support[parts.of_face[f]] >= needed;
    geom::keep_faces(mesh, keep);
    return static_cast<std::size_t>(
        std::count_if(support.begin(), support.end(), [&](std::size_t s) { return s < needed; }));
}

/// Sets the confidence of each vertex from its distance to the nearest point; drops faces beyond `limit` (0 = none).
void support_vertices(geom::TriMesh& mesh, std::span<const Vec3d> points, double spacing, double limit) {
    const geom::KdTree tree(points);
    std::vector<geom::Neighbor> nearest(mesh.vertices.size());
    tree.nearest(mesh.vertices, nearest);
    mesh.confidence.resize(mesh.vertices.size());
    for (std::size_t v = 0; v < nearest.size(); ++v)
        mesh.confidence[v] = static_cast<float>(std::exp(-nearest[v].squared_distance / (4 * spacing * spacing)));
    if (limit <= 0) return;
    std::vector<std::uint8_t> keep(mesh.faces.size());
    for (std::size_t f = 0; f < keep.size(); ++f)
        keep[f] = std::ranges::all_of(mesh.faces[f],
                                      [&](std::uint32_t v) { return nearest[v].squared_distance <= limit * limit; });
    geom::keep_faces(mesh, keep);
}

geom::PointCloud subset(const geom::PointCloud& cloud, const std::vector<std::uint32_t>& kept) {
    geom::PointCloud out;
    for (const auto i : kept) {
        out.points.push_back(cloud.points[i]);
        if (!cloud.colors.empty()) out.colors.push_back(cloud.colors[i]);
    }
    return out;
}

extract::ExtractOptions extract_options(const models::CascadeField& field, std::span<const Vec3f> points,
                                        const ReconstructOptions& options) {
    extract::ExtractOptions e;
    const double side = field.domain().longest_side();
    int cells = static_cast<int>(std::lround(side / field.finest_cell() * cells_per_feature_cell(field)));
    if (options.resolution > 0)
        cells = static_cast<int>(std::ceil(options.resolution * side));  // the scan's longest side is 1
    e.upsampling = cells >= 64 ? 2 : 0;
    while (field.fitted() && cells >> e.upsampling > kMostCoarseCells) ++e.upsampling;
    e.resolution_0 = std::max(4, (cells + (1 << e.upsampling) - 1) >> e.upsampling);
    e.level = std::log(options.level / (1 - options.level));
    e.seeds = some_of(points);
    if (field.fitted()) e.refine_steps = 1;  // the field is a distance near the surface
    return e;
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
    const std::vector<Vec3f> points = geom::unit_from_user(frame, used.points);
    const std::vector<Vec3d> exact = in_double(points);
    const double spacing = result.scan.spacing.surface / frame.scale;
    result.points = points.size();
    normalizing.close();

    auto encoding = timer.phase("encode");
    const models::Cascade model = models::Cascade::load(find_model(options.model));
    models::Cascade::EncodeOptions encode_options;
    encode_options.spacing = spacing;
    encode_options.noise = result.scan.spacing.noise / frame.scale;
    encode_options.detail = options.detail;
    const auto field = model.encode(points, encode_options, progress);
    result.octaves = field->octaves();
    result.fitted = field->fitted();
    result.cell = field->finest_cell() * frame.scale;
    encoding.close();
    if (options.refine_seconds > 0 || options.refine_steps > 0) {
        const auto phase = timer.phase("refine on scan");
        result.refinement = refine_on_scan(*field, points, encode_options, frame.scale, options, progress);
    }

    const extract::ExtractOptions extraction = extract_options(*field, points, options);
    extract::ExtractResult extracted = extract::extract_mesh(*field, extraction, progress, &timer);
    result.resolution = extraction.resolution_0 << extraction.upsampling;
    result.queried_points = extracted.queried_points;
    if (extracted.mesh.empty())
        fail(ErrorKind::numeric,
             "no surface: the field lies between {:.3g} and {:.3g} everywhere, the level is {:.3g}; the scan is "
             "outside what the model was trained for",
             extracted.lowest, extracted.highest, extracted.level);

    const auto finishing = timer.phase("refine");
    result.mesh = std::move(extracted.mesh);
    const std::vector<Vec3d> some = some_of(std::span(exact));
    if (!options.keep_all_components)
        result.removed_components = remove_unsupported(result.mesh, some, 2 * spacing + field->finest_cell());
    const double trim = !options.trim               ? 0.0
                        : options.trim_distance > 0 ? options.trim_distance / frame.scale
                                                    : 4 * spacing;
    support_vertices(result.mesh, exact, spacing, trim);
    if (result.mesh.empty())
        fail(ErrorKind::numeric, "nothing is left of the surface after trimming at {:.4g}", trim * frame.scale);
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
    for (const auto& file : scans) {
        geom::PointCloud part = io::read_point_cloud(file);
        const bool colors = (scan.empty() || !scan.colors.empty()) && !part.colors.empty();
        scan.points.insert(scan.points.end(), part.points.begin(), part.points.end());
        if (colors)
            scan.colors.insert(scan.colors.end(), part.colors.begin(), part.colors.end());
        else
            scan.colors.clear();
    }
    reading.close();
    const std::string name = scans.size() == 1 ? scans[0].string() : fmt::format("{} scans", scans.size());
    ReconstructResult result = with_context(name, [&] { return reconstruct(scan, options, progress, timer); });
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
