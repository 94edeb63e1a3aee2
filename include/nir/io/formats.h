// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/component.h"
#include "nir/geom/image.h"
#include "nir/geom/shapes.h"
#include "nir/io/array.h"
#include "nir/io/geometry.h"

#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nir::io {

/// One row of the table of file formats (src/io/formats.cpp). Functions that a format cannot offer are null; a row with
/// no reader at all names a kind of file that nir recognises only to say so.
struct Format {
    std::string_view name = {};                     ///< "PLY"
    std::vector<std::string_view> extensions = {};  ///< lower case, without the dot
    std::string_view summary = {};                  ///< "point clouds and meshes; …"
    std::string_view advice = {};                   ///< for unreadable kinds: what to do

    /// True if the first bytes (or the length) say that it is this format; null if nothing in a file can tell.
    bool (*matches)(std::string_view bytes) = nullptr;
    Geometry (*parse_geometry)(std::string_view bytes) = nullptr;
    TensorFile (*parse_arrays)(std::string_view bytes) = nullptr;
    geom::VoxelGrid (*parse_voxels)(std::string_view bytes) = nullptr;
    geom::Image8 (*parse_image)(std::string_view bytes) = nullptr;

    void (*write_geometry)(std::ostream& out, const GeometryView& g) = nullptr;
    void (*write_arrays)(std::ostream& out, const TensorFile& file) = nullptr;
    void (*write_voxels)(std::ostream& out, const geom::VoxelGrid& grid) = nullptr;
    void (*write_image)(std::ostream& out, const geom::Image8& image) = nullptr;

    bool readable() const { return parse_geometry || parse_arrays || parse_voxels || parse_image; }
    bool writable() const { return write_geometry || write_arrays || write_voxels || write_image; }
};

/// Every format, in the order of `nir list format`.
std::span<const Format> formats();
/// The rows that can be read or written, for `nir list`.
std::vector<Component> format_components();

/// The format of a file name's ending, in any case; null if there is none.
const Format* format_of_ending(const std::filesystem::path& path);
/// The format to read these bytes with. The contents win over the ending (with a log note): a PLY file called scan.obj
/// is read as PLY. @throws Error input if nothing fits, naming the endings that nir reads.
const Format& detect_format(const std::filesystem::path& path, std::string_view bytes);
/// The format to write by the ending, able to hold geometry, arrays, … as `can` says.
/// @throws Error usage naming the endings that can.
const Format& format_for_writing(const std::filesystem::path& path, bool (*can)(const Format&), std::string_view what);

/// Any file, as what it is: points or a mesh, a voxel grid, an image, or arrays.
struct SceneFile {
    const Format* format = nullptr;
    std::uint64_t file_bytes = 0;
    std::variant<Geometry, geom::VoxelGrid, geom::Image8, TensorFile> content;
};
/// NPY and NPZ stay arrays here (see to_geometry, to_voxel_grid).
SceneFile read_scene_file(const std::filesystem::path& path);

/// Points of a scan: a cloud, the vertices of a mesh, NPY [N,3] (or [N,6] with normals), NPZ with `points` or
/// `vertices` (and `normals`, `colors`, `sensors`).
/// @throws Error input, format: with the file's name; "is an image (PNG), not a scan".
geom::PointCloud read_point_cloud(const std::filesystem::path& path);
/// A mesh; NPZ with `vertices` and `faces`. @throws as above, and if there are no faces.
geom::TriMesh read_mesh(const std::filesystem::path& path);
/// A voxel grid: binvox, NPY [X,Y,Z], or NPZ with a single array of three dimensions.
geom::VoxelGrid read_voxel_grid(const std::filesystem::path& path);

/// Writes by the ending. @throws Error usage for an ending that cannot hold it; input; io.
void write_geometry(const std::filesystem::path& path, const GeometryView& g);
void write_voxel_grid(const std::filesystem::path& path, const geom::VoxelGrid& grid);
void write_arrays(const std::filesystem::path& path, const TensorFile& file);

/// Arrays as geometry, if their names and shapes say so (see read_point_cloud). @throws Error input.
Geometry to_geometry(const TensorFile& file);
/// The only three-dimensional array of a file as values with spacing 1 and origin 0. @throws Error input.
geom::VoxelGrid to_voxel_grid(const TensorFile& file);
/// Columns as arrays `points`, `normals`, … (`vertices` and `faces` for a mesh).
TensorFile to_arrays(const GeometryView& g);

}  // namespace nir::io
