// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/dataset_view.h"
#include "nir/geom/shapes.h"
#include "nir/io/array.h"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace nir::data {

using geom::Vec3f;

/// Points as the papers store them: float16 unless `half` is false.
io::NamedArray point_array(std::string name, std::span<const Vec3f> points, bool half);
/// The value that a coordinate has after it was stored.
Vec3f as_stored(Vec3f p, bool half);

/// points.npz: points [N,3], occupancies bit-packed [ceil(N/8)] u1, loc [3] f8, scale [] f8; members stored.
void write_points_file(const std::filesystem::path& path, std::span<const Vec3f> points,
                       std::span<const std::uint8_t> inside, const geom::Frame& frame, bool half);
/// pointcloud.npz: points [N,3], normals [N,3], loc, scale.
void write_pointcloud_file(const std::filesystem::path& path, std::span<const Vec3f> points,
                           std::span<const Vec3f> normals, const geom::Frame& frame, bool half);
/// A file pointcloud_NN.npz of a room: points [N,3], normals [N,3], semantics [N] i2.
void write_room_cloud_file(const std::filesystem::path& path, std::span<const Vec3f> points,
                           std::span<const Vec3f> normals, std::span<const std::int16_t> semantics, bool half);
/// A file points_iou_NN.npz of a room: points [N,3], occupancies bit-packed, semantics [N] i2, z_scale (always 0).
void write_room_points_file(const std::filesystem::path& path, std::span<const Vec3f> points,
                            std::span<const std::uint8_t> inside, std::span<const std::int16_t> semantics, bool half);
/// cameras.npz: world_mat_i [3,4], camera_mat_i [3,3] f8 for every view; `box` as for geom::world_matrix.
void write_cameras_file(const std::filesystem::path& path, std::span<const geom::DatasetView> views,
                        const geom::Box3d& box);
/// CLASS/SPLIT.lst: ids separated by line ends, none behind the last (the papers' code would take it for one more id).
void write_split_list(const std::filesystem::path& path, std::span<const std::string> names);
/// metadata.yaml: {CLASS: {id, name}}; the thirteen ShapeNet synsets get their names.
void write_metadata_file(const std::filesystem::path& path, std::span<const std::string> classes);

}  // namespace nir::data
