// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/window_pieces.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/extract/confidence.h"
#include "nir/geom/distance_by_pieces.h"
#include "nir/geom/piece_renderer.h"
#include "nir/geom/piecewise_check.h"
#include "nir/io/mesh_stream.h"
#include "nir/io/png.h"

#include <algorithm>
#include <memory>

namespace nir::pipeline {
namespace {

using extract::MeshStitcher;
using geom::TriMesh;
using geom::Vec3d;

constexpr std::size_t kMostSlopes = 4000000;  ///< of which the sure slope is made; of larger meshes every k-th
constexpr std::size_t kSeen = 200000;         ///< vertices by which the camera is set up

template <class T>
void take(const std::vector<T>& from, const std::vector<std::uint32_t>& which, std::vector<T>& to) {
    if (from.empty()) return;
    for (const auto v : which) to.push_back(from[v]);
}

/// First look at all pieces: what the header of the file, the confidence and the camera depend on.
struct Census {
    io::MeshOutline outline;
    float sure_slope = 0;
    geom::Box3d box;          ///< user frame, as the next
    std::vector<Vec3d> seen;  ///< some of the vertices
};

class Writer {
public:
    Writer(WindowPieces& pieces, const PieceWriting& what) : pieces_(pieces), what_(what), distances_(what.samples) {}

    PieceFigures run() {
        const Census census = look();
        if (census.outline.faces == 0) fail(ErrorKind::numeric, "nothing is left of the surface");
        OutputFile file(what_.mesh);
        const auto stream = with_context(what_.mesh.string(),
                                         [&] { return io::stream_mesh(file.stream(), what_.mesh, census.outline); });
        start_picture(census);
        for (int pass = 0; pass < stream->vertex_passes(); ++pass)
            pieces_.visit([&](const WindowPieces::Placed& p) {
                if (pass == 0) distances_.far(p.kept());
                stream->vertices(fresh_vertices(p, census));
            });
        geom::PiecewiseCheck check;
        pieces_.visit([&](const WindowPieces::Placed& p) {
            stream->faces(p.placement.faces);
            look_closely(p, check);
        });
        stream->finish();
        file.commit();
        PieceFigures figures;
        figures.report = check.finish(census.outline.vertices);
        std::tie(figures.residual_mean, figures.residual_p95) = mean_and_p95(distances_.distances());
        figures.residual_mean *= what_.frame.scale;
        figures.residual_p95 *= what_.frame.scale;
        if (picture_) write_picture(census);
        return figures;
    }

private:
    Vec3d user(Vec3d p) const { return what_.frame.user_from_unit(p); }

    Census look() {
        Census c;
        io::CoordinateCheck coordinates;
        std::size_t total = 0;
        pieces_.visit([&](const WindowPieces::Placed& p) { total += p.placement.fresh.size(); });
        const std::size_t slope_step = total / kMostSlopes + 1, seen_step = total / kSeen + 1;
        std::vector<float> slopes, distances;
        pieces_.visit([&](const WindowPieces::Placed& p) {
            const TriMesh& mesh = p.window.piece.mesh;
            for (const auto v : p.placement.fresh) {
                const std::size_t number = c.outline.vertices++;
                const Vec3d place = user(mesh.vertices[v]);
                coordinates.add(place);
                c.box.extend(place);
                if (number % slope_step == 0)
                    slopes.push_back(mesh.confidence[v]), distances.push_back(p.window.distance[v]);
                if (number % seen_step == 0) c.seen.push_back(place);
                c.outline.colors = !mesh.colors.empty();
            }
            c.outline.faces += p.placement.faces.size();
            distances_.near(p.kept(), p.box);
        });
        c.outline.normals = c.outline.confidence = true;
        c.outline.doubles = coordinates.needs_double();
        c.sure_slope = extract::sure_slope(slopes, distances);
        return c;
    }

    /// The vertices that a piece adds, as they go into the file.
    TriMesh fresh_vertices(const WindowPieces::Placed& p, const Census& census) const {
        const TriMesh& from = p.window.piece.mesh;
        TriMesh out;
        std::vector<float> slopes, distances;
        take(from.vertices, p.placement.fresh, out.vertices);
        take(from.normals, p.placement.fresh, out.normals);
        take(from.colors, p.placement.fresh, out.colors);
        take(from.confidence, p.placement.fresh, slopes);
        take(p.window.distance, p.placement.fresh, distances);
        out.confidence = extract::vertex_confidence(distances, slopes, census.sure_slope);
        geom::to_user(what_.frame, out);
        return out;
    }

    void look_closely(const WindowPieces::Placed& p, geom::PiecewiseCheck& check) {
        if (p.placement.kept.empty()) return;
        TriMesh mesh = p.kept();
        geom::to_user(what_.frame, mesh);
        std::vector<std::uint8_t> open(mesh.vertices.size(), 0);
        for (const auto& s : p.window.piece.shared) open[s.vertex] = 1;
        check.add({mesh.vertices, mesh.faces, p.placement.number, open});
        if (picture_) picture_->add(mesh);
    }

    void start_picture(const Census& census) {
        if (what_.preview.empty()) return;
        std::vector<Vec3d> seen = census.seen;
        geom::Box3d box = census.box;
        for (const auto& p : what_.samples) {
            shown_.points.push_back(user(p));
            seen.push_back(shown_.points.back());
            box.extend(shown_.points.back());
        }
        shown_.colors = what_.sample_colors;
        camera_ = geom::preview_camera(seen, box);
        picture_ = std::make_unique<geom::PieceRenderer>(census.box, census.outline.faces, camera_);
    }

    void write_picture(const Census& census) {
        io::write_png(what_.preview,
                      geom::preview_panels(shown_, what_.points, picture_->finish(), census.outline.faces, camera_));
    }

    WindowPieces& pieces_;
    const PieceWriting& what_;
    geom::DistanceByPieces distances_;
    geom::PointCloud shown_;
    geom::ViewCamera camera_;
    std::unique_ptr<geom::PieceRenderer> picture_;
};

}  // namespace

WindowPieces::WindowPieces(WindowStore store, std::vector<std::size_t> order, std::vector<geom::Box3d> boxes)
    : store_(std::move(store)), order_(std::move(order)), boxes_(std::move(boxes)) {
    NIR_CHECK(order_.size() == boxes_.size());
    for (const auto w : order_) {
        const auto done = store_.get(w);
        stitcher_.measure(done->piece, done->part_of_face, done->support);
        queried_points_ += done->piece.queried_points;
    }
    stitcher_.decide();
}

TriMesh WindowPieces::Placed::kept() const {
    TriMesh mesh = window.piece.mesh;
    mesh.faces.clear();
    for (const auto f : placement.kept) mesh.faces.push_back(window.piece.mesh.faces[f]);
    return mesh;
}

void WindowPieces::visit(const std::function<void(const Placed&)>& f) {
    stitcher_.rewind();
    for (std::size_t i = 0; i < order_.size(); ++i) {
        const auto done = store_.get(order_[i]);
        f({*done, stitcher_.place(done->piece, done->part_of_face), boxes_[i]});
    }
}

WindowPieces::Joined WindowPieces::join() {
    Joined out;
    visit([&](const Placed& p) {
        const TriMesh& from = p.window.piece.mesh;
        const auto& fresh = p.placement.fresh;
        take(from.vertices, fresh, out.mesh.vertices);
        take(from.normals, fresh, out.mesh.normals);
        take(from.colors, fresh, out.mesh.colors);
        take(from.confidence, fresh, out.mesh.confidence);
        take(p.window.distance, fresh, out.support.distance);
        take(p.window.vertex_support, fresh, out.support.support);
        out.mesh.faces.insert(out.mesh.faces.end(), p.placement.faces.begin(), p.placement.faces.end());
    });
    return out;
}

PieceFigures write_pieces(WindowPieces& pieces, const PieceWriting& what) { return Writer(pieces, what).run(); }

std::pair<double, double> mean_and_p95(std::vector<double> d) {
    double mean = 0;
    for (const double x : d) mean += x / static_cast<double>(d.size());
    const auto p95 = d.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(d.size() - 1));
    std::nth_element(d.begin(), p95, d.end());
    return {mean, *p95};
}

}  // namespace nir::pipeline
