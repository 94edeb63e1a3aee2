// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/window_pieces.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/base/spill_file.h"
#include "nir/base/stop.h"
#include "nir/extract/confidence.h"
#include "nir/geom/distance_by_pieces.h"
#include "nir/geom/piece_renderer.h"
#include "nir/geom/piecewise_check.h"
#include "nir/io/mesh_stream.h"
#include "nir/io/png.h"

#include <algorithm>
#include <memory>
#include <optional>

namespace nir::pipeline {
namespace {

using extract::MeshStitcher;
using geom::TriMesh;
using geom::Vec3d;

constexpr std::size_t kFacesTogether = 1 << 16;
constexpr std::size_t kSeen = 200000;  ///< vertices by which the camera is set up

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
        geom::PiecewiseCheck check;
        SpillFile faces(what_.mesh.parent_path());
        for (int pass = 0; pass < stream->vertex_passes(); ++pass)
            pieces_.visit([&](const WindowPieces::Placed& p) {
                stream->vertices(fresh_vertices(p, census));
                if (pass > 0) return;
                faces.append(std::as_bytes(std::span(p.placement.faces)));
                distances_.far(p.kept());
                look_closely(p, check);
            });
        copy_faces(faces, *stream);
        stream->finish();
        PieceFigures figures;
        figures.report = check.finish(census.outline.vertices);
        std::tie(figures.residual_mean, figures.residual_p95) = mean_and_p95(distances_.distances());
        figures.residual_mean *= what_.frame.scale;
        figures.residual_p95 *= what_.frame.scale;
        const std::optional<geom::Image8> picture = picture_ ? std::optional(finish_picture(census)) : std::nullopt;
        file.commit();  // last: what is stopped leaves nothing
        if (picture) io::write_png(what_.preview, *picture);
        return figures;
    }

private:
    Vec3d user(Vec3d p) const { return what_.frame.user_from_unit(p); }

    Census look() {
        Census c;
        io::CoordinateCheck coordinates;
        SlopeSample slopes;
        Sample<Vec3d> seen(kSeen);
        pieces_.visit([&](const WindowPieces::Placed& p) {
            const TriMesh& mesh = p.window.piece.mesh;
            for (const auto v : p.placement.fresh) {
                ++c.outline.vertices;
                const Vec3d place = user(mesh.vertices[v]);
                coordinates.add(place);
                c.box.extend(place);
                if (!what_.confident) slopes.offer(mesh.confidence[v], p.window.distance[v]);
                seen.offer(place);
                c.outline.colors = !mesh.colors.empty();
            }
            c.outline.faces += p.placement.faces.size();
            distances_.near(p.kept(), p.box);
        });
        c.outline.normals = c.outline.confidence = true;
        c.outline.doubles = coordinates.needs_double();
        c.seen = std::move(seen.kept);
        if (!what_.confident) c.sure_slope = slopes.sure();
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
        out.confidence = what_.confident ? slopes : extract::vertex_confidence(distances, slopes, census.sure_slope);
        geom::to_user(what_.frame, out);
        return out;
    }

    static void copy_faces(const SpillFile& file, io::MeshStream& stream) {
        std::vector<geom::Triangle> block;
        for (std::uint64_t at = 0; at < file.size(); at += kFacesTogether * sizeof(geom::Triangle)) {
            check_stop();
            const std::uint64_t left = (file.size() - at) / sizeof(geom::Triangle);
            block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kFacesTogether, left)));
            file.read(at, std::as_writable_bytes(std::span(block)));
            stream.faces(block);
        }
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

    geom::Image8 finish_picture(const Census& census) {
        return geom::preview_panels(shown_, what_.points, picture_->finish(), census.outline.faces, camera_);
    }

    WindowPieces& pieces_;
    const PieceWriting& what_;
    geom::DistanceByPieces distances_;
    geom::PointCloud shown_;
    geom::ViewCamera camera_;
    std::unique_ptr<geom::PieceRenderer> picture_;
};

}  // namespace

void WindowPieces::Notes::add(const FinishedWindow& window) {
    stitcher.measure(window.piece, window.part_of_face, window.support);
    queried_points += window.piece.queried_points;
}

WindowPieces::WindowPieces(WindowStore store, std::vector<std::size_t> order, std::vector<geom::Box3d> boxes)
    : store_(std::move(store)), order_(std::move(order)), boxes_(std::move(boxes)) {
    NIR_CHECK(order_.size() == boxes_.size());
    for (const auto w : order_) notes_.add(*store_.get(w));
    notes_.stitcher.decide();
}

WindowPieces::WindowPieces(WindowStore store, std::vector<std::size_t> order, std::vector<geom::Box3d> boxes,
                           Notes notes)
    : store_(std::move(store)), order_(std::move(order)), boxes_(std::move(boxes)), notes_(std::move(notes)) {
    NIR_CHECK(order_.size() == boxes_.size());
    notes_.stitcher.decide();
}

TriMesh WindowPieces::Placed::kept() const {
    TriMesh mesh = window.piece.mesh;
    mesh.faces.clear();
    for (const auto f : placement.kept) mesh.faces.push_back(window.piece.mesh.faces[f]);
    return mesh;
}

void WindowPieces::visit(const std::function<void(const Placed&)>& f) {
    notes_.stitcher.rewind();
    for (std::size_t i = 0; i < order_.size(); ++i) {
        check_stop();
        const auto done = store_.get(order_[i]);
        f({*done, notes_.stitcher.place(done->piece, done->part_of_face), boxes_[i]});
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

float SlopeSample::sure() const {
    std::vector<float> slope, distance;
    for (const auto& [a, b] : kept_.kept) slope.push_back(a), distance.push_back(b);
    return extract::sure_slope(slope, distance);
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
