// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace nir::pipeline {

struct PrepareOptions {
    std::vector<std::filesystem::path> inputs;  ///< meshes, folders of them, or one data set in the papers' layout
    int generated_cells = 128;                  ///< along the longest side, in which these are meshed
    std::size_t generate = 0;                   ///< instead of inputs: shapes of the generator, so many of each family
    std::vector<std::string> families;          ///< of those, each a class; empty: all
    std::size_t rooms = 0;  ///< instead of both: synthetic rooms, so many of each kind (4 to 8 objects)
    std::vector<std::filesystem::path> objects;  ///< meshes that stand in them; empty: generated, of `families`
    int room_files = 10;                         ///< versions of points and of labels per room
    std::filesystem::path out;                   ///< folder of the data set
    std::string class_name = "objects";          ///< class of meshes that are named one by one
    bool papers = true, packed = false;          ///< layouts to write

    std::size_t points = 100000;               ///< labelled points
    double uniform_ratio = 1.0;                ///< share of them uniform in the padded cube; the rest near the surface
    double near_sigma = 0.01;                  ///< of the normal offset of those, longest side 1
    double padding = 0.1;                      ///< the cube has side 1 + padding
    std::size_t samples = 100000;              ///< surface points
    int voxels = 32;                           ///< cells a side; 0 = no grid
    bool voxel_surface = true;                 ///< cells that the surface touches are filled too, as binvox does
    bool parity = false;                       ///< labels by ray parity instead of the winding number
    double winding_accuracy = 2.0;             ///< see geom::WindingNumber
    std::size_t surface_points = 0;            ///< further labelled points, all near the surface: points_surface.npz
    int views = 24;                            ///< pictures; 0 = none
    std::array<double, 2> azimuth = {0, 360};  ///< where they are taken from, degrees about the y axis
    int view_size = 137;                       ///< pixels
    int photos = 0;       ///< posed photos from all sides with masks, depth and normals; generated shapes get colours
    int photo_size = 64;  ///< pixels
    bool lit = false;     ///< each photo below a lamp of its own
    bool z_up = false;    ///< the meshes' z axis points up: turned so that y does
    bool half = true;     ///< float16 as the papers; false: float32
    bool keep_meshes = false;  ///< CLASS/NAME/mesh.ply in the unit cube; always of generated shapes

    std::array<double, 3> split = {0.8, 0.1, 0.1};  ///< train, val, test
    std::uint64_t seed = 0;
    bool resume = false, force = false;
    bool skip_bad = false;  ///< meshes that cannot be used are no reason for exit code 3
};

/// What was found out about one mesh.
struct PreparedModel {
    std::string model_class, name, source, split;
    std::uint64_t vertices = 0, faces = 0, components = 0;
    std::uint64_t boundary_edges = 0, non_manifold_edges = 0;
    std::uint64_t turned_faces = 0;  ///< to make neighbours agree, or all faces outwards
    bool closed = false;             ///< every edge has two faces
    bool watertight = false;         ///< closed, and neighbours agree on the outside (before any turning)
    double parity_agreement = 0;     ///< share of labelled points where ray parity and winding number agree
    double doubtful = 0;             ///< share of labelled points whose winding number is over 0.1 from a whole number
    double inside = 0;               ///< share of the labelled points that are uniform
    double volume = 0;               ///< from that share, in the units of the mesh, cubed
    double signed_volume = 0;        ///< of the triangles; means something for closed meshes
    double scale = 0;                ///< longest side, units of the mesh
    std::array<double, 3> center{};  ///< of its box
    double seconds = 0;              ///< 0 if it was there from an earlier run
    bool kept = false;               ///< from an earlier run (--resume)

    /// "good", "open" (holes, but clear labels), "doubtful" (over 1 % of the labels), "empty" (no point inside).
    std::string verdict() const;
};

struct FailedMesh {
    std::filesystem::path file;
    std::string reason;
};

struct PackedFile {
    std::filesystem::path file;
    std::string split;
    std::uint64_t models = 0, bytes = 0;
    bool voxels = false, views = false;
};

struct PrepareResult {
    std::vector<PreparedModel> models;  ///< by class and name
    std::vector<FailedMesh> failed;
    std::vector<PackedFile> packed;
    std::array<std::size_t, 3> split_sizes{};
    std::filesystem::path report;  ///< the JSON file; empty if a data set was only packed

    /// Models that are not "good", worst first.
    std::vector<const PreparedModel*> worst() const;
};

/// Makes a training set of meshes, of generated shapes or of rooms, or packs an existing one. Same inputs, options and
/// seed: the same bytes, whatever the number of threads. A mesh that cannot be used is listed in `failed`, the rest
/// goes on.
/// @throws nir::Error: usage (no meshes, unknown families, the folder exists, two meshes of one name), input (no mesh
/// could be used), io, cancelled (everything finished so far is kept for --resume).
PrepareResult prepare(const PrepareOptions& options, Progress& progress, PhaseTimer& timer);

/// For people: totals, then the worst meshes by name.
std::string prepare_report_text(const PrepareResult& result, const PrepareOptions& options);
/// The same as JSON text: "options", "totals", "models", "failed", "packed".
std::string prepare_report_json(const PrepareResult& result, const PrepareOptions& options);

}  // namespace nir::pipeline
