// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/geom/mesh_check.h"
#include "nir/geom/shapes.h"
#include "nir/geom/spacing.h"
#include "nir/models/cascade.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace nir::pipeline {

struct ReconstructOptions {
    std::string model = "default";     ///< name of a model that ships, or a model file
    int resolution = 0;                ///< cells of the mesh along the longest side; 0 = from the point spacing
    double level = 0.5;                ///< probability of the surface, in (0, 1)
    bool trim = false;                 ///< cut away surface far from every point; default: closed
    double trim_distance = 0;          ///< user units; 0 = auto: 2.5 point spacings, as they are around a place
    std::filesystem::path sensors;     ///< NPZ with the sensors of the points (pipeline/read_sensors.h); may be empty
    bool keep_all_components = false;  ///< also the small ones that no points support
    models::Cascade::Detail detail = models::Cascade::Detail::automatic;
    double refine_seconds = 0;  ///< move the surface towards the points for at most so long; 0 = no such limit
    int refine_steps = 0;       ///< the same by number of steps; both 0 = no refinement
    /// Bytes that the process may take, 0 = no limit. Scans of 300,000 points and more, and all scans with a limit or a
    /// work folder, are worked through by windows.
    std::size_t max_memory = 0;
    /// Finished windows are kept here: a run that was stopped or killed goes on where it was, and several ranks
    /// (started by torchrun, mpirun or Slurm) share the windows.
    std::filesystem::path work_dir;
    /// The points lie on disk, sorted by place, whether they would fit into max_memory or not: the same mesh.
    /// reconstruct_files() only.
    bool points_on_disk = false;
};

/// What came out, with the figures that a user needs to trust it.
struct ReconstructResult {
    geom::TriMesh mesh;  ///< in the user's frame, outward; empty if it went into the file piece by piece
    geom::MeshReport report;
    geom::ScanReport scan;
    std::size_t points = 0;                      ///< used
    bool points_on_disk = false;                 ///< they did not fit into memory
    std::size_t sensors = 0;                     ///< places from which they were seen; 0: not known
    double residual_mean = 0, residual_p95 = 0;  ///< distance of the used points to the mesh, user units
    int octaves = 0, resolution = 0;
    bool fitted = false;  ///< the surface was fitted to the points where they are dense (models/cascade.h)
    double cell = 0;      ///< of the finest features, user units
    std::optional<models::RefineReport> refinement;  ///< if it was asked for; lengths in user units
    std::size_t queried_points = 0, removed_components = 0;
    std::size_t windows = 0, resumed_windows = 0;  ///< 0 windows: made in one go
    bool on_other_rank = false;                    ///< the mesh is rank 0's; nothing else here is set then
    std::vector<std::string> warnings;
};

/// Scan -> mesh: finds frame and spacing, encodes, extracts, checks, and goes back to the user's coordinates.
/// Normals are not used. Colours are carried over. The same number of threads gives the same bytes; another number
/// changes the last bits, because torch's convolutions sum in another order.
/// @throws Error{input} for scans that hold no surface (empty, one point, collinear, ...), Error{numeric} if the field
/// has no surface at the level, Error{cancelled}.
ReconstructResult reconstruct(const geom::PointCloud& scan, const ReconstructOptions& options, Progress& progress,
                              PhaseTimer& timer);

/// Reads scans (one cloud if several), reconstructs, writes the mesh and, if named, a picture of scan and mesh. By
/// windows, PLY and OBJ are written while the pieces are read: the mesh is never in memory as a whole. Points that do
/// not fit into max_memory lie on the disk of the mesh, or of the work folder (geom/scan_file.h).
ReconstructResult reconstruct_files(const std::vector<std::filesystem::path>& scans, const std::filesystem::path& mesh,
                                    const std::filesystem::path& preview, const ReconstructOptions& options,
                                    Progress& progress, PhaseTimer& timer);

/// The file of a model that ships: in $NIR_MODELS, or in models/ of the folders of base/shared_files.h.
/// @throws Error{usage} naming the models that are there.
std::filesystem::path find_model(const std::string& name_or_file);

}  // namespace nir::pipeline
