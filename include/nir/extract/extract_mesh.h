// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/extract/mise.h"
#include "nir/extract/scalar_field.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/shapes.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace nir::extract {

struct ExtractOptions {
    /// Coarse cells along the longest side of the domain, 1..4096; the other sides get as many as make cells no larger.
    int resolution_0 = 32;
    /// How often cells near the surface are halved, 0..6: the finest lattice has resolution_0 * 2^upsampling cells.
    int upsampling = 2;
    /// Ask the field at every sample of the finest lattice instead of near the surface only: slow, misses nothing that
    /// the finest lattice can show.
    bool dense = false;
    /// The level of the surface; default: the field's own.
    std::optional<double> level{};
    /// The box to look in; default: the field's own.
    std::optional<geom::Box3d> domain{};
    /// Points (field frame) near which the lattice is refined whatever the coarse samples say: the scan itself, so that
    /// parts thinner than a coarse cell are not missed. Ignored if dense.
    std::vector<geom::Vec3f> seeds{};
    /// Root-finding steps (one query each per vertex) that put the vertices onto the level; 0 = linear interpolation.
    int refine_steps = 3;
    /// Unit normals from the field's gradient.
    bool normals = true;
    /// With normals: the slope of the field across the surface in the confidence of the vertices, which
    /// vertex_confidence() (confidence.h) makes of it.
    bool slopes = false;
    /// Close a surface that leaves the domain by a wall on the domain's border.
    bool close_border = true;
    /// Vertices keep this share of a cell's edge from its ends; 0 allows degenerate faces at ties.
    double clamp = 1e-3;
    /// Points handed to the field at once.
    std::size_t batch = 65536;
    /// Compute lattice points in float32 throughout, as the code of occupancy networks does, instead of in float64 and
    /// rounding at the end, as that of convolutional occupancy networks does. Last-bit differences.
    bool float32_points = false;
};

/// Positions of lattice samples: lo + (hi - lo) * index / cells per axis.
struct LatticeFrame {
    geom::Box3d domain;
    geom::Vec3i cells{1, 1, 1};  ///< Of the finest lattice; cells + 1 samples per axis.

    geom::Vec3d position(geom::Vec3d index) const;
    geom::Vec3d index_of(geom::Vec3d position) const;
    geom::Vec3d spacing() const;
};

struct ExtractResult {
    geom::TriMesh mesh;       ///< In the field's frame. Empty if the surface does not pass through the domain.
    geom::MeshReport report;  ///< Of the mesh, always filled.
    LatticeFrame lattice;
    double level = 0;
    std::vector<MiseRound> rounds;   ///< One if dense.
    std::size_t queried_points = 0;  ///< Lattice samples asked.
    std::size_t refine_points = 0;   ///< Queries of the root finding.
    float lowest = 0, highest = 0;   ///< Of the lattice samples asked: says why a mesh is empty.
    std::size_t lattice_bytes = 0;   ///< Memory that held the samples.
    /// Inside the field; MISE bookkeeping, Marching Cubes and check; root finding and normals, field included.
    double query_s = 0, extract_s = 0, refine_s = 0;
};

/// Extracts level sets of one field. Keeps the samples, so that further levels of a dense lattice cost no queries.
class MeshExtractor {
public:
    /// The field must outlive the extractor. @throws Error(config) for options out of range or an empty domain.
    MeshExtractor(ScalarField& field, ExtractOptions options);
    ~MeshExtractor();
    MeshExtractor(MeshExtractor&&) noexcept;

    /// The surface at options.level, or at another level. A timer gets the phases "query" (the field on the lattice),
    /// "extract" and "refine".
    ExtractResult extract(Progress& progress, PhaseTimer* timer = nullptr);
    ExtractResult extract_at(double level, Progress& progress, PhaseTimer* timer = nullptr);
    /// All samples of the finest lattice of the last extraction. Where MISE did not ask, the fill of the papers' code:
    /// right in sign only. spacing and origin are in the field's frame.
    geom::VoxelGrid values() const;

    const LatticeFrame& lattice() const;
    /// Bytes that a dense lattice takes, or a guess of what MISE takes (a surface of the domain's own area).
    std::size_t estimated_bytes() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The level set of a field as a closed, outward, manifold triangle mesh (closed unless close_border is off).
/// Order of vertices and faces does not depend on threads.
/// @throws Error(config) for options out of range; Error(numeric) if the field returns NaN; Error(cancelled) if the
/// progress asks to stop. A surface that is not there gives an empty mesh, never an error.
/// Ref: mescheder2019 §3.3 (MISE), lorensen1987. Deviation: vertices are put on the level by root finding along their
/// lattice edge instead of gradient descent on all of them.
ExtractResult extract_mesh(ScalarField& field, const ExtractOptions& options = {});
ExtractResult extract_mesh(ScalarField& field, const ExtractOptions& options, Progress& progress,
                           PhaseTimer* timer = nullptr);

struct GridExtractOptions {
    double level = 0.0;
    bool close_border = true;
    double clamp = 1e-3;
    bool normals = true;  ///< From central differences of the samples.
};

/// The level set of sampled values, one vertex per crossed lattice edge; level above = inside.
/// @throws Error(input) if a sample is NaN or the spacing is not positive.
ExtractResult extract_mesh(const geom::VoxelGrid& grid, const GridExtractOptions& options = {});

}  // namespace nir::extract
