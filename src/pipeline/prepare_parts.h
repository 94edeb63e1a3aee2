// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/model_set.h"
#include "nir/geom/dataset_view.h"
#include "nir/geom/shapes.h"
#include "nir/pipeline/prepare.h"

#include <nlohmann/json_fwd.hpp>

namespace nir::pipeline {

/// A mesh and what it will be called.
struct MeshSource {
    std::filesystem::path file;  ///< for messages if it is generated
    data::ModelId id;
    bool generated = false;  ///< a shape of the family that its class is named after
};

/// The meshes that the inputs name: files get `class_name`; a folder gives CLASS/NAME.ext, with meshes directly in it
/// in the class of the folder's own name, and deeper ones CLASS/NAME/….ext. Sorted by class and name.
/// @throws Error{input} for what is not there or holds no mesh; Error{usage} naming two meshes of one name.
std::vector<MeshSource> find_meshes(const PrepareOptions& options);
/// The shapes that options.generate asks for: FAMILY/0000, FAMILY/0001, … by family.
/// @throws Error{usage} for an unknown family with the nearest name, one named twice, or options that do not go with
/// it.
std::vector<MeshSource> generated_sources(const PrepareOptions& options);
/// True if the path is a data set in the papers' layout.
bool is_paper_dataset(const std::filesystem::path& path);

/// Everything that is stored of one model.
struct ModelContent {
    geom::Frame frame;  ///< the mesh's coordinates from those of the unit cube
    std::vector<geom::Vec3f> points, surface, normals;
    std::vector<std::uint8_t> inside;
    std::vector<geom::Vec3f> near_points;  ///< of points_surface.npz
    std::vector<std::uint8_t> near_inside;
    geom::VoxelGrid voxels;
    std::vector<geom::DatasetView> views;
    std::vector<geom::Image8> pictures;
    geom::Box3d box;     ///< of the mesh in its own coordinates, for the cameras
    geom::TriMesh mesh;  ///< in the unit cube, joined and turned as for the labels; empty if it is not kept
    PreparedModel report;
};

/// The random numbers of one model: of the seed and its name alone.
Rng model_rng(std::uint64_t seed, const data::ModelId& id);
/// Reads and works on one mesh. @throws Error{input, format} with the file's name.
ModelContent make_model(const MeshSource& source, const PrepareOptions& options);
/// Writes the folder of a model under a temporary name and renames it.
void write_model(const std::filesystem::path& folder, const ModelContent& content, const PrepareOptions& options);
/// The report of a model folder that an earlier run wrote. @throws Error{format}.
PreparedModel read_model_report(const std::filesystem::path& folder);

nlohmann::ordered_json options_json(const PrepareOptions& options);
nlohmann::ordered_json model_json(const PreparedModel& model);
PreparedModel model_from_json(const nlohmann::ordered_json& json);

/// Names of a class by split: 0 train, 1 val, 2 test. The order is drawn from the seed and the names, so that a model
/// rarely changes its split when others are added.
std::array<std::vector<std::string>, 3> split_models(const std::string& model_class, std::vector<std::string> names,
                                                     const PrepareOptions& options);

}  // namespace nir::pipeline
