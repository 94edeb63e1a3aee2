// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/image.h"
#include "nir/geom/shapes.h"
#include "nir/io/array.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nir::data {

/// Rows of three numbers, read one at a time from where they lie: an array of an NPZ file or a part of a mapped file.
struct PointColumn {
    std::span<const std::byte> bytes;
    io::DType type = io::DType::f32;    ///< f16, f32 or f64
    std::shared_ptr<const void> owner;  ///< keeps the bytes alive

    std::size_t size() const { return bytes.size() / (3 * io::size_of(type)); }
    bool empty() const { return bytes.empty(); }
    geom::Vec3f operator[](std::size_t row) const;
};

/// One inside label per point: a bit, most significant first, or a byte.
struct LabelColumn {
    std::span<const std::uint8_t> bytes;
    bool packed = true;
    std::shared_ptr<const void> owner;

    bool operator[](std::size_t i) const { return packed ? (bytes[i >> 3] >> (7 - (i & 7)) & 1) != 0 : bytes[i] != 0; }
};

struct LabelledPoints {
    PointColumn points;
    LabelColumn inside;  ///< one label per point
};

/// Points on the surface; normals are empty or as many.
struct SurfacePoints {
    PointColumn points, normals;
};

/// The models of one split of a data set. Reading is const and thread-safe; files with several versions of a model
/// (rooms) are chosen from by the rng.
class ModelSet {
public:
    virtual ~ModelSet() = default;

    virtual std::size_t size() const = 0;
    virtual std::string class_of(std::size_t model) const = 0;
    virtual std::string name_of(std::size_t model) const = 0;
    /// p_original = center_user + scale * p: undoes the normalisation of the set.
    virtual geom::Frame frame(std::size_t model) const = 0;
    /// Labelled points of the volume; `for_iou` asks for those that results are measured with.
    virtual LabelledPoints points(std::size_t model, bool for_iou, Rng& rng) const = 0;
    virtual SurfacePoints surface(std::size_t model, Rng& rng) const = 0;
    /// Values 0 and 1.
    virtual geom::VoxelGrid voxels(std::size_t model) const = 0;
    virtual std::size_t views(std::size_t model) const = 0;
    /// RGB. @param view below views(model).
    virtual geom::Image8 view(std::size_t model, std::size_t view) const = 0;
    /// "CLASS/NAME", for messages.
    std::string title(std::size_t model) const { return class_of(model) + "/" + name_of(model); }
};

/// What the files of a model are called in the papers' layout. A name without ".npz" is a folder NAME/NAME_00.npz, …
/// (or any *.npz) of which one is drawn each time.
struct PaperFiles {
    std::string points = "points.npz", points_iou = "points.npz", pointcloud = "pointcloud.npz";
    std::string voxels = "model.binvox", images = "img_choy2016";
};

/// A model of the papers' layout: ROOT/CLASS/NAME.
struct ModelId {
    std::string model_class, name;
    friend auto operator<=>(const ModelId&, const ModelId&) = default;
};

/// Folders of ROOT that hold a list of some split, sorted.
std::vector<std::string> paper_classes(const std::filesystem::path& root);
/// The ids of a list file: one a line; blank lines and blanks around ids do not count.
std::vector<std::string> read_split_list(const std::filesystem::path& file);

/// Opens ROOT/CLASS/SPLIT.lst and the model folders it names. @param classes empty: all, sorted.
/// @throws Error{input} naming the folder or list: no such class, no list of this split, no model.
std::unique_ptr<ModelSet> open_paper_set(const std::filesystem::path& root, std::string_view split,
                                         std::span<const std::string> classes = {}, const PaperFiles& files = {});

/// Opens a packed file (docs/formats/datasets.md). @param classes empty: all.
/// @throws Error{input, format} with the file's name.
std::unique_ptr<ModelSet> open_packed_set(const std::filesystem::path& file, std::span<const std::string> classes = {});
/// The same from memory, for tests and fuzzing. `bytes` must outlive the set. @throws Error{format}.
std::unique_ptr<ModelSet> parse_packed_set(std::string_view bytes, std::span<const std::string> classes = {});

/// Opens whatever `path` is: a packed file, a folder with SPLIT.safetensors, or a folder in the papers' layout.
std::unique_ptr<ModelSet> open_model_set(const std::filesystem::path& path, std::string_view split,
                                         std::span<const std::string> classes = {}, const PaperFiles& files = {});

}  // namespace nir::data
