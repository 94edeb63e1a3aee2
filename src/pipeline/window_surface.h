// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/extract/window_mesh.h"
#include "nir/geom/point_source.h"
#include "nir/models/cascade.h"

#include "pipeline/piece_data.h"
#include "pipeline/window_pieces.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace nir::pipeline {

class RankGroup;

/// How a large scan is worked through: windows of cells, whose pieces of the mesh are joined in the end.
struct WindowSurfaceOptions {
    double level = 0;          ///< logit
    double cell = 0;           ///< of the mesh, frame of the points
    int window_cells = 96;     ///< along a window
    int windows_per_tile = 4;  ///< along a tile: windows for which the field is made in one go
    int refine_steps = 1;
    double reach = 0;             ///< points within this distance of a part speak for it
    std::size_t sample_step = 1;  ///< every so many points are asked
    bool keep_all_parts = false;
    PieceDataOptions data{};
    std::filesystem::path work_dir{};   ///< finished windows are kept here; empty = not
    std::uint64_t fingerprint = 0;      ///< of scan, model and options: windows of another one are not taken
    std::filesystem::path spill_dir{};  ///< without a work folder, windows go to the disk of this one; empty = memory
    RankGroup* ranks = nullptr;         ///< several processes on one work folder
};

struct WindowSurface {
    std::unique_ptr<WindowPieces> pieces;  ///< frame of the points; null on ranks other than 0
    std::size_t windows = 0, resumed = 0;  ///< of these, found in the work folder
    std::size_t queried_points = 0, removed_parts = 0;
    int resolution = 0;            ///< cells along the longest side
    geom::Vec3i lattice{1, 1, 1};  ///< windows along each axis
    double cell = 0;               ///< of the lattice, frame of the points
};

/// The surface of a field that is made window by window. With a work folder a run that was killed goes on where it was
/// and gives the same bytes. Of several ranks, rank 0 returns the pieces.
/// @throws Error cancelled (finished windows stay), input if the work folder belongs to another run, io.
WindowSurface extract_by_windows(models::CascadeField& field, const geom::PointSource& points,
                                 const WindowSurfaceOptions& options, Progress& progress, PhaseTimer& timer);

/// How many points lie within `reach` of each connected part of a mesh. @param part_of_face [F], below `parts`
std::vector<std::size_t> support_of_parts(const geom::TriMesh& mesh, std::span<const std::uint32_t> part_of_face,
                                          std::size_t parts, std::span<const geom::Vec3d> points, double reach);
/// Points that a part needs to stay. @param most  that any part has  @param points  that were asked
std::size_t needed_support(std::size_t most, std::size_t points);

/// Smaller tiles, then smaller windows, until no tile has more points around it than `most`, or they are as small as
/// they get. @param most  0 = any  @param spacing  of the points  @param fit_cell  of the finest planes; 0 = none
void fit_windows_to_points(const geom::Box3f& domain, const geom::PointSource& points, std::size_t most, double spacing,
                           double fit_cell, WindowSurfaceOptions& options);

}  // namespace nir::pipeline
