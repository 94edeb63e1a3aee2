// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/progress.h"
#include "nir/extract/extract_mesh.h"
#include "nir/extract/scalar_field.h"
#include "nir/geom/shapes.h"

#include <cstdint>
#include <span>
#include <vector>

namespace nir::extract {

struct WindowLatticeOptions {
    geom::Box3d domain;  ///< field frame
    double cell = 0;  ///< of the finest lattice, > 0; made a little smaller so that whole blocks fill the longest side
    int window_cells = 128;  ///< along a window, rounded up to whole blocks
};

/// One lattice over a large domain, cut into windows of cells. Every window can be extracted by itself: the samples
/// that it asks for, and with them its piece of the mesh, do not depend on what the others look like.
class WindowLattice {
public:
    static constexpr int kHalvings = 3, kBlock = 1 << kHalvings;  ///< cells along a block: the coarsest samples

    /// @throws Error(config) for an empty domain, a cell that is not positive, or more than 2^19 cells along a side.
    explicit WindowLattice(const WindowLatticeOptions& options);

    const LatticeFrame& frame() const { return frame_; }
    double cell() const { return frame_.domain.longest_side() / longest_; }
    int window_cells() const { return window_cells_; }
    /// Windows along each axis and in all; the index runs with z fastest.
    geom::Vec3i windows() const { return windows_; }
    std::size_t count() const;

    /// Cells [lo, hi) of a window.
    struct Cells {
        geom::Vec3i lo, hi;
    };
    Cells cells(std::size_t window) const;
    /// The places that extract_window() asks for, field frame: the window and one block around it.
    geom::Box3f asked_box(std::size_t window) const;
    /// The window itself.
    geom::Box3f box(std::size_t window) const;

private:
    LatticeFrame frame_;
    int longest_ = 1, window_cells_ = 1;
    geom::Vec3i windows_{1, 1, 1};
};

/// Names the vertex on a lattice edge in the whole lattice, the same for every window that has it.
using VertexKey = std::uint64_t;

/// The mesh of one window. Vertices on its border planes belong to several windows and carry their key.
struct MeshPiece {
    geom::TriMesh mesh;  ///< field frame, normals outward
    struct Shared {
        std::uint32_t vertex;
        VertexKey key;
    };
    std::vector<Shared> shared;      ///< by vertex
    std::size_t queried_points = 0;  ///< lattice samples and root finding
};

struct WindowMeshOptions {
    double level = 0;
    int refine_steps = 1;      ///< as ExtractOptions
    bool close_border = true;  ///< a wall where the surface leaves the domain
    bool slopes = false;       ///< as ExtractOptions
    double clamp = 1e-3;
    std::size_t batch = 65536;
};

/// The part of a level set that lies in one window. A block is looked into if its corners lie on different sides or if
/// it holds a seed, and so are its halves and quarters: a rule that each cell can answer by itself, so that windows
/// agree on their border (MISE also looks at hanging nodes, which would let one window depend on the next).
/// Calls field.prepare() with asked_box().
/// @param seeds  points of the scan (field frame) that lie in asked_box(), others are ignored
/// @throws Error(numeric) for a NaN; Error(cancelled).
MeshPiece extract_window(ScalarField& field, const WindowLattice& lattice, std::size_t window,
                         std::span<const geom::Vec3f> seeds, const WindowMeshOptions& options, Progress& progress);

}  // namespace nir::extract
