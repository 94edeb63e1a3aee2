// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// One mesh: labels, surface samples, voxels, pictures, and what is to be said about it.
#include "nir/base/error.h"
#include "nir/base/timer.h"
#include "nir/data/paper_layout.h"
#include "nir/data/shape_colors.h"
#include "nir/data/shape_mesh.h"
#include "nir/geom/frame.h"
#include "nir/geom/inside.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/orient.h"
#include "nir/geom/sampling.h"
#include "nir/geom/voxelize.h"
#include "nir/io/formats.h"

#include "pipeline/prepare_parts.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace nir::pipeline {
namespace {

using geom::Vec3d;
using geom::Vec3f;

constexpr double kDoubt = 0.1;

std::uint64_t hash_text(std::string_view text, std::uint64_t h = 0xCBF29CE484222325u) {  // FNV-1a
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    return h;
}

Rng shape_rng(std::uint64_t seed, const data::ModelId& id) { return model_rng(seed ^ 0xD1B54A32D192ED03u, id); }

/// A closed mesh of the shape generator; what its lattice cannot show is drawn again.
geom::TriMesh generated_mesh(const data::ModelId& id, const PrepareOptions& options) {
    constexpr std::size_t kSurface = 20000;  // points that MISE must not miss
    constexpr int kTries = 100;
    Rng rng = shape_rng(options.seed, id);
    for (int i = 0; i < kTries; ++i) {
        Rng own = rng.split();
        geom::TriMesh mesh =
            data::mesh_of(data::generate_shape_of(id.model_class, own, kSurface), options.generated_cells);
        if (!mesh.empty() && geom::check_mesh(geom::weld_vertices(mesh)).watertight()) return mesh;
    }
    fail(ErrorKind::internal, "{} shapes of the family {} without a closed mesh", kTries, id.model_class);
}

class Labeller {
public:
    Labeller(const geom::TriMesh& mesh, const PrepareOptions& options)
        : options_(options),
          bvh_(std::make_shared<const geom::TriangleBvh>(mesh)),
          winding_(*bvh_, options.winding_accuracy),
          parity_(bvh_, geom::InsideMethod::parity) {}

    /// Labels; the report gets what was seen on the way if it is given.
    std::vector<std::uint8_t> inside(const std::vector<Vec3f>& points, PreparedModel* report) const {
        std::vector<std::uint8_t> by_parity(points.size()), by_winding(points.size());
        if (options_.parity || report != nullptr) parity_.contains(std::span<const Vec3f>(points), by_parity);
        if (options_.parity && report == nullptr) return by_parity;
        std::vector<float> w(points.size());
        winding_.evaluate(std::span<const Vec3f>(points), w);
        std::size_t agree = 0, doubtful = 0;
        for (std::size_t i = 0; i < w.size(); ++i) {
            const double v = std::abs(static_cast<double>(w[i]));
            by_winding[i] = v > 0.5 ? 1 : 0;
            agree += by_winding[i] == by_parity[i];
            doubtful += std::abs(v - std::round(v)) > kDoubt;
        }
        if (report != nullptr && !points.empty()) {
            report->parity_agreement = static_cast<double>(agree) / static_cast<double>(points.size());
            report->doubtful = static_cast<double>(doubtful) / static_cast<double>(points.size());
        }
        return options_.parity ? by_parity : by_winding;
    }

private:
    const PrepareOptions& options_;
    std::shared_ptr<const geom::TriangleBvh> bvh_;
    geom::WindingNumber winding_;
    geom::InsideTest parity_;
};

/// Positions as they will be read again, so that labels belong to what is stored.
std::vector<Vec3f> draw_points(const geom::TriMesh& mesh, const PrepareOptions& o, std::size_t n_uniform,
                               std::size_t n_near, Rng& rng) {
    std::vector<Vec3f> out;
    out.reserve(n_uniform + n_near);
    const double half = 0.5 * (1 + o.padding);
    for (std::size_t i = 0; i < n_uniform; ++i) {
        Vec3f p;
        for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(rng.uniform(-half, half));
        out.push_back(data::as_stored(p, o.half));
    }
    const auto near = geom::sample_surface(mesh, n_near, rng);
    for (const auto& q : near.points) {
        Vec3f p;
        for (int a = 0; a < 3; ++a) p[a] = static_cast<float>(q[a] + o.near_sigma * rng.normal());
        out.push_back(data::as_stored(p, o.half));
    }
    return out;
}

geom::VoxelGrid make_voxels(const geom::TriMesh& mesh, const Labeller& labeller, const PrepareOptions& o) {
    geom::VoxelGrid grid = geom::touched_cells(mesh, {-0.5, -0.5, -0.5}, 1.0, o.voxels);
    if (!o.voxel_surface) std::fill(grid.values.begin(), grid.values.end(), 0.0f);
    std::vector<Vec3f> centers;
    for (int i = 0; i < o.voxels; ++i)
        for (int j = 0; j < o.voxels; ++j)
            for (int k = 0; k < o.voxels; ++k)
                centers.push_back(
                    Vec3f(grid.origin + grid.spacing * Vec3d{static_cast<double>(i), static_cast<double>(j),
                                                             static_cast<double>(k)}));
    const auto inside = labeller.inside(centers, nullptr);
    for (std::size_t i = 0; i < inside.size(); ++i)
        if (inside[i]) grid.values[i] = 1.0f;
    return grid;
}

void render_views(ModelContent& out, const geom::TriMesh& mesh, const PrepareOptions& o, Rng& rng) {
    geom::RenderOptions render;
    render.width = render.height = o.view_size;
    render.background_top = render.background_bottom = {255, 255, 255};
    render.back_side = render.surface;  // published meshes are seen from both sides
    render.ground_shadow = false;
    render.lights = 0;
    for (int i = 0; i < o.views; ++i) {
        geom::DatasetView view = geom::DatasetView::random(rng);
        view.azimuth_deg = o.azimuth[0] + (o.azimuth[1] - o.azimuth[0]) * (view.azimuth_deg / 360);
        out.views.push_back(view);
        out.pictures.push_back(geom::render_mesh(mesh, geom::camera_of(out.views.back(), out.box), render));
    }
}

}  // namespace

geom::TriMesh read_source(const MeshSource& source, const PrepareOptions& options) {
    if (source.generated) return generated_mesh(source.id, options);
    geom::TriMesh mesh = io::read_mesh(source.file);
    for (std::size_t f = 0; f < mesh.faces.size(); ++f)
        for (const auto v : mesh.faces[f])
            if (!geom::is_finite(mesh.vertices.at(v)))
                fail(ErrorKind::input, "{}: face {}: vertex {} is not finite", source.file.string(), f, v);
    if (options.z_up) {
        for (auto& v : mesh.vertices) v = {v.x, v.z, -v.y};
        for (auto& n : mesh.normals) n = {n.x, n.z, -n.y};
    }
    return mesh;
}

geom::Box3d used_box(const geom::TriMesh& mesh) {
    geom::Box3d box;
    for (const auto& f : mesh.faces)
        for (const auto v : f) box.extend(mesh.vertices[v]);
    return box;
}

geom::TriMesh label_mesh(const geom::TriMesh& mesh, const geom::Frame& frame, PreparedModel& report) {
    geom::TriMesh out = geom::weld_vertices(mesh);
    geom::to_unit(frame, out);
    const geom::MeshReport check = geom::check_mesh(out);
    report.components = check.components;
    report.boundary_edges = check.boundary_edges;
    report.non_manifold_edges = check.non_manifold_edges;
    report.closed = check.closed;
    report.watertight = check.watertight();
    if (check.misoriented_edges > 0) report.turned_faces = geom::orient_faces(out).turned;
    double volume = geom::signed_volume(out);
    if (check.closed && volume < 0) {
        geom::flip_faces(out);
        report.turned_faces = out.faces.size() - report.turned_faces;
        volume = -volume;
    }
    report.signed_volume = volume * std::pow(frame.scale, 3);
    return out;
}

std::string PreparedModel::verdict() const {
    if (!(volume > 0)) return "empty";
    if (doubtful > 0.01) return "doubtful";
    return watertight || (closed && doubtful < 1e-4) ? "good" : "open";
}

Rng model_rng(std::uint64_t seed, const data::ModelId& id) {
    return Rng(hash_text(id.name, hash_text("/", hash_text(id.model_class))) ^ (seed * 0x9E3779B97F4A7C15u));
}

ModelContent make_model(const MeshSource& source, const PrepareOptions& options) {
    const Timer timer;
    ModelContent out;
    PreparedModel& report = out.report;
    geom::TriMesh mesh = read_source(source, options);
    if (options.photos > 0 && source.generated) {
        Rng color_rng = model_rng(options.seed ^ 0x94D049BB133111EBu, source.id);
        mesh.colors = data::upright_colors(mesh.vertices, color_rng);
    }
    with_context(source.file.string(), [&] {
        Rng root = model_rng(options.seed, source.id);
        Rng point_rng = root.split(), surface_rng = root.split(), view_rng = root.split();
        report.model_class = source.id.model_class, report.name = source.id.name, report.source = source.file.string();
        report.vertices = mesh.vertices.size(), report.faces = mesh.faces.size();
        out.box = used_box(mesh);
        const double side = out.box.longest_side();
        if (!(side > 0) || !std::isfinite(side)) fail(ErrorKind::input, "all vertices lie in one place");
        out.frame = {out.box.center(), side};
        report.scale = side,
        report.center = {out.frame.center_user.x, out.frame.center_user.y, out.frame.center_user.z};

        geom::TriMesh unit = label_mesh(mesh, out.frame, report);
        auto surface = geom::sample_surface(unit, options.samples, surface_rng);
        for (const auto& p : surface.points) out.surface.push_back(Vec3f(p));
        out.normals = std::move(surface.normals);

        const Labeller labeller(unit, options);
        const auto n_uniform =
            static_cast<std::size_t>(std::llround(options.uniform_ratio * static_cast<double>(options.points)));
        out.points = draw_points(unit, options, n_uniform, options.points - n_uniform, point_rng);
        out.inside = labeller.inside(out.points, &report);
        const auto filled =
            std::count(out.inside.begin(), out.inside.begin() + static_cast<std::ptrdiff_t>(n_uniform), 1);
        report.inside = n_uniform > 0 ? static_cast<double>(filled) / static_cast<double>(n_uniform) : 0;
        report.volume =
            n_uniform > 0 ? report.inside * std::pow((1 + options.padding) * side, 3) : report.signed_volume;
        if (options.surface_points > 0) {
            Rng near_rng = root.split();
            out.near_points = draw_points(unit, options, 0, options.surface_points, near_rng);
            out.near_inside = labeller.inside(out.near_points, nullptr);
        }
        if (options.voxels > 0) out.voxels = make_voxels(unit, labeller, options);
        if (options.views > 0) render_views(out, mesh, options, view_rng);
        if (options.photos > 0) {
            Rng photo_rng = model_rng(options.seed ^ 0xBF58476D1CE4E5B9u, source.id);
            out.photos = take_photos(unit, options.photos, options.photo_size, options.lit, photo_rng);
        }
        if (options.keep_meshes || source.generated) {
            out.mesh.vertices = std::move(unit.vertices), out.mesh.faces = std::move(unit.faces);
            out.mesh.colors = std::move(unit.colors);
        }
    });
    report.seconds = timer.seconds();
    return out;
}

}  // namespace nir::pipeline
