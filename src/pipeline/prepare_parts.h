// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/data/model_set.h"
#include "nir/geom/dataset_view.h"
#include "nir/geom/shapes.h"
#include "nir/pipeline/prepare.h"

#include "pipeline/prepare_photos.h"

#include <nlohmann/json_fwd.hpp>

#include <functional>

namespace nir::pipeline {

/// A mesh and what it will be called.
struct MeshSource {
    std::filesystem::path file;  ///< for messages if it is generated
    data::ModelId id;
    bool generated = false;  ///< a shape of the family that its class is named after
    int room_objects = 0;    ///< a room with so many objects
    std::string split{};     ///< of a room
};

/// The meshes that the inputs name: files get `class_name`; a folder gives CLASS/NAME.ext, with meshes directly in it
/// in the class of the folder's own name, and deeper ones CLASS/NAME/….ext. Sorted by class and name.
/// @throws Error{input} for what is not there or holds no mesh; Error{usage} naming two meshes of one name.
std::vector<MeshSource> find_meshes(const PrepareOptions& options);
/// The shapes that options.generate asks for: FAMILY/0000, FAMILY/0001, … by family.
/// @throws Error{usage} for an unknown family with the nearest name, one named twice, or options that do not go with
/// it.
std::vector<MeshSource> generated_sources(const PrepareOptions& options);
/// The rooms that options.rooms asks for: rooms_04/00000000, … with their splits, the first of each kind for training.
std::vector<MeshSource> room_sources(const PrepareOptions& options);
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
    std::vector<PreparedPhoto> photos;
    geom::Box3d box;     ///< of the mesh in its own coordinates, for the cameras
    geom::TriMesh mesh;  ///< in the unit cube, joined and turned as for the labels; empty if it is not kept
    PreparedModel report;
};

/// The random numbers of one model: of the seed and its name alone.
Rng model_rng(std::uint64_t seed, const data::ModelId& id);
/// Reads and works on one mesh. @throws Error{input, format} with the file's name.
ModelContent make_model(const MeshSource& source, const PrepareOptions& options);
void write_text(const std::filesystem::path& path, std::string_view text);
/// Lets `fill` write a folder of another name, which then takes the place of `folder`. @throws Error{io}.
void write_folder(const std::filesystem::path& folder, const std::function<void(const std::filesystem::path&)>& fill);
/// Writes the folder of a model.
void write_model(const std::filesystem::path& folder, const ModelContent& content, const PrepareOptions& options);
/// The report of a model folder that an earlier run wrote. @throws Error{format}.
PreparedModel read_model_report(const std::filesystem::path& folder);

/// The mesh of a source as it is, y up, with finite vertices. @throws Error{input, format} with the file's name.
geom::TriMesh read_source(const MeshSource& source, const PrepareOptions& options);
/// Box of the vertices that faces use.
geom::Box3d used_box(const geom::TriMesh& mesh);
/// The mesh whose inside is asked for, in the unit cube: vertices at one place joined, neighbours in agreement, closed
/// meshes outwards. The report gets what was seen on the way.
geom::TriMesh label_mesh(const geom::TriMesh& mesh, const geom::Frame& frame, PreparedModel& report);

/// What may stand in rooms: objects by split and class.
class RoomStock {
public:
    /// Finds the meshes of options.objects and gives each class its splits; or nothing, for generated objects.
    /// @throws Error{input, usage} as find_meshes() and generated_sources() do.
    explicit RoomStock(const PrepareOptions& options);
    /// Names, sorted: the number of a class in "semantics".
    const std::vector<std::string>& classes() const { return classes_; }
    /// Lines "number name", for people.
    std::string semantics_text() const;
    /// The k-th object that is drawn for this room.
    MeshSource draw(const MeshSource& room, std::size_t k, Rng& rng, std::size_t& class_number) const;

private:
    std::vector<std::string> classes_;
    bool generated_;
    std::array<std::vector<std::vector<MeshSource>>, 3> meshes_;  // by split and class
};

/// Lays out a room, labels it and writes its folder under a temporary name first.
/// @throws Error{input, format} naming an object that cannot be used.
PreparedModel make_room(const std::filesystem::path& folder, const MeshSource& room, const RoomStock& stock,
                        const PrepareOptions& options);

nlohmann::ordered_json options_json(const PrepareOptions& options);
nlohmann::ordered_json model_json(const PreparedModel& model);
PreparedModel model_from_json(const nlohmann::ordered_json& json);

/// Names of a class by split: 0 train, 1 val, 2 test. The order is drawn from the seed and the names, so that a model
/// rarely changes its split when others are added.
std::array<std::vector<std::string>, 3> split_models(const std::string& model_class, std::vector<std::string> names,
                                                     const PrepareOptions& options);

}  // namespace nir::pipeline
