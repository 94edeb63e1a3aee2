// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/mesh_stitcher.h"
#include "nir/geom/frame.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/shapes.h"

#include "pipeline/mesh_support.h"
#include "pipeline/sample.h"
#include "pipeline/window_store.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace nir::pipeline {

/// The surface of a large scan in its pieces, which may lie on disk: one window is in memory at a time.
class WindowPieces {
public:
    /// @param order  the windows, all of them finished; the order of the joined mesh
    /// @param boxes  of the windows of this order
    WindowPieces(WindowStore store, std::vector<std::size_t> order, std::vector<geom::Box3d> boxes);

    /// What is noted of the windows while they are made, in their order, so that they need not be read for it.
    struct Notes {
        extract::MeshStitcher stitcher;
        std::size_t queried_points = 0;

        void add(const FinishedWindow& window);
    };
    WindowPieces(WindowStore store, std::vector<std::size_t> order, std::vector<geom::Box3d> boxes, Notes notes);

    /// Lattice samples and root finding of all windows.
    std::size_t queried_points() const { return notes_.queried_points; }
    /// The connected parts of the whole; set keep before anything else is asked.
    std::vector<extract::MeshStitcher::Part>& parts() { return notes_.stitcher.decide(); }

    /// A piece, and where it goes in the joined mesh.
    struct Placed {
        const FinishedWindow& window;
        const extract::MeshStitcher::Placement& placement;
        const geom::Box3d& box;

        /// The kept faces with all vertices of the piece.
        geom::TriMesh kept() const;
    };
    /// Calls f for every piece in the order of the joined mesh, as often as one likes.
    void visit(const std::function<void(const Placed&)>& f);

    /// One piece by itself, by its place in the order; and whether a part of it is kept.
    std::shared_ptr<const FinishedWindow> window(std::size_t piece) const { return store_.get(order_[piece]); }
    bool keeps(std::size_t piece, std::uint32_t part) const { return notes_.stitcher.keeps(piece, part); }
    const std::vector<std::size_t>& order() const { return order_; }
    const std::vector<geom::Box3d>& boxes() const { return boxes_; }

    struct Joined {
        geom::TriMesh mesh;   ///< frame of the points; confidence: the slopes of the field
        MeshSupport support;  ///< of its vertices
    };
    Joined join();

private:
    WindowStore store_;
    std::vector<std::size_t> order_;
    std::vector<geom::Box3d> boxes_;
    Notes notes_;
};

/// extract::sure_slope() of a mesh in pieces, of no more than four million vertices.
class SlopeSample {
public:
    void offer(float slope, float distance) { kept_.offer({slope, distance}); }
    float sure() const;

private:
    Sample<std::pair<float, float>> kept_{4000000};
};

/// What write_pieces() needs to know of the scan.
struct PieceWriting {
    geom::Frame frame{};                      ///< user from points
    std::vector<geom::Vec3d> samples{};       ///< of the points: how far are they from the mesh?
    std::vector<geom::Rgb8> sample_colors{};  ///< for the picture; empty without colours
    std::size_t points = 0;                   ///< of the scan: the caption of the picture
    std::filesystem::path mesh{};             ///< an ending that io::can_stream_mesh()
    std::filesystem::path preview{};          ///< empty: none
    bool confident = false;                   ///< the pieces have their confidence already (trim_pieces.h)
};
struct PieceFigures {
    geom::MeshReport report;
    double residual_mean = 0, residual_p95 = 0;  ///< user units
};
/// Writes the mesh that join() would give, with confidence and in the user's frame, without having it in memory; the
/// check, the distances and the picture are made on the way. Each piece is read twice (three times for OBJ); faces wait
/// in a nameless file beside the mesh until all vertices are written.
/// @throws Error numeric if there are no faces; io.
PieceFigures write_pieces(WindowPieces& pieces, const PieceWriting& what);

/// Mean and 95 % quantile.
std::pair<double, double> mean_and_p95(std::vector<double> values);

}  // namespace nir::pipeline
