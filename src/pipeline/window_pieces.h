// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/extract/mesh_stitcher.h"
#include "nir/geom/frame.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/shapes.h"

#include "pipeline/mesh_support.h"
#include "pipeline/window_store.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <vector>

namespace nir::pipeline {

/// The surface of a large scan in its pieces, which may lie on disk: one window is in memory at a time.
class WindowPieces {
public:
    /// @param order  the windows, all of them finished; the order of the joined mesh
    /// @param boxes  of the windows of this order
    WindowPieces(WindowStore store, std::vector<std::size_t> order, std::vector<geom::Box3d> boxes);

    /// Lattice samples and root finding of all windows.
    std::size_t queried_points() const { return queried_points_; }
    /// The connected parts of the whole; set keep before anything else is asked.
    std::vector<extract::MeshStitcher::Part>& parts() { return stitcher_.decide(); }

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

    struct Joined {
        geom::TriMesh mesh;   ///< frame of the points; confidence: the slopes of the field
        MeshSupport support;  ///< of its vertices
    };
    Joined join();

private:
    WindowStore store_;
    std::vector<std::size_t> order_;
    std::vector<geom::Box3d> boxes_;
    extract::MeshStitcher stitcher_;
    std::size_t queried_points_ = 0;
};

/// What write_pieces() needs to know of the scan.
struct PieceWriting {
    geom::Frame frame{};                      ///< user from points
    std::vector<geom::Vec3d> samples{};       ///< of the points: how far are they from the mesh?
    std::vector<geom::Rgb8> sample_colors{};  ///< for the picture; empty without colours
    std::size_t points = 0;                   ///< of the scan: the caption of the picture
    std::filesystem::path mesh{};             ///< an ending that io::can_stream_mesh()
    std::filesystem::path preview{};          ///< empty: none
};
struct PieceFigures {
    geom::MeshReport report;
    double residual_mean = 0, residual_p95 = 0;  ///< user units
};
/// Writes the mesh that join() would give, with confidence and in the user's frame, without having it in memory; the
/// check, the distances and the picture are made on the way.
/// @throws Error numeric if there are no faces; io.
PieceFigures write_pieces(WindowPieces& pieces, const PieceWriting& what);

/// Mean and 95 % quantile.
std::pair<double, double> mean_and_p95(std::vector<double> values);

}  // namespace nir::pipeline
