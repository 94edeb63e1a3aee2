// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/shape_figures.h"

#include "nir/base/error.h"
#include "nir/base/terminal_progress.h"
#include "nir/extract/color_source.h"
#include "nir/extract/extract_mesh.h"
#include "nir/extract/voxel_boxes.h"
#include "nir/geom/metrics.h"
#include "nir/geom/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nir::pipeline {
namespace {

using Labels = std::vector<std::uint8_t>;

Labels inside(const extract::ScalarField& field, const std::vector<geom::Vec3f>& points) {
    std::vector<float> values(points.size());
    field.values(points, values);
    Labels out(points.size());
    const float level = field.iso();
    std::ranges::transform(values, out.begin(), [=](float v) { return static_cast<std::uint8_t>(v > level); });
    return out;
}

/// The cell that a point falls into; nothing is filled outside the grid.
Labels inside(const geom::VoxelGrid& grid, const std::vector<geom::Vec3f>& points) {
    Labels out(points.size(), 0);
    for (std::size_t i = 0; i < points.size(); ++i) {
        std::array<int, 3> cell{};
        bool in_grid = true;
        for (int a = 0; a < 3; ++a) {
            const double c = (static_cast<double>(points[i][a]) - grid.origin[a]) / grid.spacing[a] + 0.5;
            in_grid &= c >= 0 && c < grid.size[a];
            cell[static_cast<std::size_t>(a)] = in_grid ? static_cast<int>(c) : 0;
        }
        out[i] = in_grid && grid.values[grid.index(cell[0], cell[1], cell[2])] >= 0.5f;
    }
    return out;
}

template <class Volume>
Figures volume_figures(const Volume& volume, const data::LabelledScan& scan) {
    const auto iou = [&](const std::vector<geom::Vec3f>& points, const Labels& truth) {
        const double both = geom::intersection_over_union(inside(volume, points), truth);
        return std::isnan(both) ? 1.0 : both;  // neither holds anything here: they agree
    };
    return {{"iou", iou(scan.uniform, scan.uniform_inside)}, {"iou_near", iou(scan.near, scan.near_inside)}};
}

double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double v : values) sum += v;
    return sum / static_cast<double>(std::max<std::size_t>(values.size(), 1));
}

Figures surface_figures(const std::vector<geom::Vec3d>& points, const data::LabelledScan& scan) {
    if (scan.surface.empty()) return {};
    std::vector<geom::Vec3d> truth;
    for (const auto& p : scan.surface) truth.emplace_back(p);
    const bool finite = std::ranges::all_of(points, [](const auto& p) { return geom::is_finite(p); });
    if (points.empty() || !finite) return {{"chamfer", geom::norm(geom::bounds(truth).size())}};
    const double accuracy = mean(geom::nearest_distances({points, {}}, {truth, {}}).distances);
    const double completeness = mean(geom::nearest_distances({truth, {}}, {points, {}}).distances);
    return {{"chamfer", (accuracy + completeness) / 2}};
}

Figures mesh_figures(const geom::TriMesh& mesh, const data::LabelledScan& scan) {
    const bool finite = std::ranges::all_of(mesh.vertices, [](const auto& p) { return geom::is_finite(p); });
    if (!finite || mesh.faces.empty() || !(geom::surface_area(mesh) > 0)) return surface_figures({}, scan);
    Rng rng(0);
    return surface_figures(geom::sample_surface(mesh, std::max<std::size_t>(scan.surface.size(), 1), rng).points, scan);
}

geom::TriMesh field_mesh(extract::ScalarField& field, int cells) {
    extract::ExtractOptions options;
    options.upsampling = 2;
    options.resolution_0 = std::max(cells / 4, 4);
    options.refine_steps = 2;
    geom::TriMesh mesh = extract::extract_mesh(field, options).mesh;
    extract::color_vertices(field, mesh);
    return mesh;
}

geom::Image8 points_picture(const geom::PointCloud& scan, const geom::PointCloud& made,
                            const geom::RenderOptions& view) {
    const geom::ViewCamera camera = geom::frame_view(scan.points, static_cast<double>(view.width) / view.height,
                                                     {0, 1, 0}, view.azimuth_rad, view.elevation_rad);
    const std::array panels{geom::Panel{geom::render_points(scan, camera, view),
                                        fmt::format("scan {} points", human_count(static_cast<double>(scan.size())))},
                            geom::Panel{geom::render_points(made, camera, view),
                                        fmt::format("made {} points", human_count(static_cast<double>(made.size())))}};
    return geom::compose_panels(panels);
}

}  // namespace

Figures shape_figures(const models::Shape& shape, const data::LabelledScan& scan) {
    if (const auto* field = std::get_if<std::unique_ptr<extract::ScalarField>>(&shape))
        return volume_figures(**field, scan);
    if (const auto* grid = std::get_if<geom::VoxelGrid>(&shape)) return volume_figures(*grid, scan);
    if (const auto* cloud = std::get_if<geom::PointCloud>(&shape)) return surface_figures(cloud->points, scan);
    return mesh_figures(std::get<geom::TriMesh>(shape), scan);
}

double score_of(const Figures& figures, std::string_view prefix) {
    const auto find = [&](std::string_view name) -> const double* {
        for (const auto& [key, value] : figures)
            if (key == fmt::format("{}{}", prefix, name)) return &value;
        return nullptr;
    };
    if (const double* iou = find("iou")) return *iou;
    if (const double* chamfer = find("chamfer")) return std::max(1 - *chamfer, 0.0);
    return -1;
}

geom::Image8 shape_picture(const geom::PointCloud& scan, const models::Shape& shape, int cells,
                           const geom::RenderOptions& view) {
    if (const auto* field = std::get_if<std::unique_ptr<extract::ScalarField>>(&shape))
        return geom::preview(scan, field_mesh(**field, cells), view);
    if (const auto* grid = std::get_if<geom::VoxelGrid>(&shape)) {
        geom::RenderOptions flat = view;
        flat.flat = true;
        return geom::preview(scan, extract::voxel_boxes(*grid, 0.5), flat);
    }
    if (const auto* cloud = std::get_if<geom::PointCloud>(&shape)) return points_picture(scan, *cloud, view);
    return geom::preview(scan, std::get<geom::TriMesh>(shape), view);
}

}  // namespace nir::pipeline
