// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Reading the papers' layout: lists of models, NPZ files of points, binvox, pictures.
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/data/model_set.h"
#include "nir/geom/image_resize.h"
#include "nir/io/binvox.h"
#include "nir/io/formats.h"
#include "nir/io/npy.h"

#include "data/folder_files.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace nir::data {
namespace {

namespace fs = std::filesystem;

/// An array as rows of three numbers; the array lives on in the column.
PointColumn point_column(io::NamedArray array) {
    const bool floats = array.dtype == io::DType::f16 || array.dtype == io::DType::f32 || array.dtype == io::DType::f64;
    if (!floats || array.shape.size() != 2 || array.shape[1] != 3)
        fail(ErrorKind::format, "\"{}\" is {} {}; float numbers [N, 3] are needed", array.name,
             io::name_of(array.dtype), array.shape_text());
    const auto owner = std::make_shared<const io::NamedArray>(std::move(array));
    return {owner->bytes, owner->dtype, owner};
}

LabelColumn label_column(io::NamedArray array, std::size_t n) {
    const auto as_bytes = [](const io::NamedArray& a) {
        return std::span(reinterpret_cast<const std::uint8_t*>(a.bytes.data()), a.bytes.size());
    };
    const std::size_t count = array.count();
    const bool is_byte = array.dtype == io::DType::u8 || array.dtype == io::DType::boolean;
    if (count != n && !(array.dtype == io::DType::u8 && count == (n + 7) / 8))
        fail(ErrorKind::format, "\"occupancies\" is {} {}; {} points need {} packed bytes or {} labels",
             io::name_of(array.dtype), array.shape_text(), n, (n + 7) / 8, n);
    if (!is_byte) {  // occupancies as numbers
        const auto values = array.to_float();
        std::vector<std::uint8_t> labels(values.size());
        std::transform(values.begin(), values.end(), labels.begin(), [](float v) { return v >= 0.5f ? 1 : 0; });
        array = io::NamedArray::from("occupancies", {static_cast<std::int64_t>(n)}, labels);
    }
    const auto owner = std::make_shared<const io::NamedArray>(std::move(array));
    return {as_bytes(*owner), count != n, owner};
}

class PaperSet final : public ModelSet {
public:
    PaperSet(fs::path root, std::vector<ModelId> ids, PaperFiles files)
        : root_(std::move(root)), ids_(std::move(ids)), files_(std::move(files)) {}

    std::size_t size() const override { return ids_.size(); }
    std::string class_of(std::size_t m) const override { return ids_.at(m).model_class; }
    std::string name_of(std::size_t m) const override { return ids_.at(m).name; }

    geom::Frame frame(std::size_t m) const override {
        for (const auto& name : {files_.pointcloud, files_.points}) {
            const fs::path path = folder(m) / name;
            if (!fs::is_regular_file(path)) continue;
            const io::NpzFile file(path);
            if (!file.contains("loc") || !file.contains("scale")) continue;
            return with_context(path.string(), [&] {
                const auto loc = file.read("loc").to_double(), scale = file.read("scale").to_double();
                if (loc.size() != 3 || scale.size() != 1)
                    fail(ErrorKind::format, "\"loc\" needs three numbers and \"scale\" one");
                return geom::Frame{{loc[0], loc[1], loc[2]}, scale[0]};
            });
        }
        return {};
    }

    LabelledPoints points(std::size_t m, bool for_iou, Rng& rng) const override {
        const fs::path path = file_of(m, for_iou ? files_.points_iou : files_.points, rng);
        const io::NpzFile file(path);
        return with_context(path.string(), [&] {
            LabelledPoints out;
            out.points = point_column(file.read("points"));
            out.inside = label_column(file.read("occupancies"), out.points.size());
            if (out.points.empty()) fail(ErrorKind::format, "holds no points");
            return out;
        });
    }

    SurfacePoints surface(std::size_t m, Rng& rng) const override {
        const fs::path path = file_of(m, files_.pointcloud, rng);
        const io::NpzFile file(path);
        return with_context(path.string(), [&] {
            SurfacePoints out;
            out.points = point_column(file.read("points"));
            if (out.points.empty()) fail(ErrorKind::format, "holds no points");
            if (file.contains("normals")) out.normals = point_column(file.read("normals"));
            if (!out.normals.empty() && out.normals.size() != out.points.size())
                fail(ErrorKind::format, "{} points, but {} normals", out.points.size(), out.normals.size());
            return out;
        });
    }

    geom::VoxelGrid voxels(std::size_t m) const override { return io::read_binvox(folder(m) / files_.voxels); }
    std::size_t views(std::size_t m) const override { return pictures(m).size(); }
    geom::Image8 view(std::size_t m, std::size_t view) const override {
        const auto files = pictures(m);
        if (view >= files.size())
            fail(ErrorKind::input, "{}: {} pictures, number {} was asked for", (folder(m) / files_.images).string(),
                 files.size(), view);
        io::SceneFile file = io::read_scene_file(files[view]);
        auto* image = std::get_if<geom::Image8>(&file.content);
        if (image == nullptr) fail(ErrorKind::input, "{}: is no picture", files[view].string());
        return geom::rgb_on_white(*image);
    }

private:
    fs::path folder(std::size_t m) const { return root_ / ids_.at(m).model_class / ids_.at(m).name; }
    std::vector<fs::path> pictures(std::size_t m) const {
        return files_with_ending(folder(m) / files_.images, {".jpg", ".jpeg", ".png"});
    }
    fs::path file_of(std::size_t m, const std::string& name, Rng& rng) const {
        const fs::path path = folder(m) / name;
        if (name.ends_with(".npz")) return path;
        const auto all = files_with_ending(path, {".npz"});
        if (all.empty()) fail(ErrorKind::input, "{}: holds no .npz file", path.string());
        return all[rng.below(all.size())];
    }

    fs::path root_;
    std::vector<ModelId> ids_;
    PaperFiles files_;
};

}  // namespace

std::vector<std::string> read_split_list(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) fail(ErrorKind::input, "{}: cannot be read", file.string());
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) {
        const auto first = line.find_first_not_of(" \t\r");
        if (first == std::string::npos) continue;
        std::string id = line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
        if (id == "." || id == ".." || id.find('/') != std::string::npos)
            fail(ErrorKind::format, "{}: \"{}\" is no name of a model", file.string(), id);
        out.push_back(std::move(id));
    }
    return out;
}

std::vector<std::string> paper_classes(const fs::path& root) {
    std::vector<std::string> out;
    std::error_code ec;
    for (const auto& e : fs::directory_iterator(root, ec))
        for (const char* split : {"train.lst", "val.lst", "test.lst"})
            if (e.is_directory() && fs::is_regular_file(e.path() / split)) {
                out.push_back(e.path().filename().string());
                break;
            }
    std::sort(out.begin(), out.end());
    return out;
}

std::unique_ptr<ModelSet> open_paper_set(const fs::path& root, std::string_view split,
                                         std::span<const std::string> classes, const PaperFiles& files) {
    if (!fs::is_directory(root)) fail(ErrorKind::input, "{}: there is no such data set folder", root.string());
    const std::vector<std::string> known = paper_classes(root);
    if (known.empty()) fail(ErrorKind::input, "{}: no folder CLASS with a list CLASS/{}.lst", root.string(), split);
    for (const auto& c : classes)
        if (std::find(known.begin(), known.end(), c) == known.end())
            fail(ErrorKind::input, "{}: there is no class \"{}\"; it holds {}", root.string(), c,
                 fmt::join(known, ", "));
    const std::vector<std::string> wanted = classes.empty() ? known : std::vector(classes.begin(), classes.end());
    std::vector<ModelId> ids;
    std::size_t missing = 0, lists = 0;
    for (const auto& c : wanted) {
        const fs::path list = root / c / fmt::format("{}.lst", split);
        if (!fs::is_regular_file(list)) continue;
        ++lists;
        for (auto& name : read_split_list(list)) {
            if (fs::is_directory(root / c / name))
                ids.push_back({c, std::move(name)});
            else
                ++missing;
        }
    }
    if (lists == 0) fail(ErrorKind::input, "{}: no class has a list {}.lst", root.string(), split);
    if (ids.empty())
        fail(ErrorKind::input, "{}: the lists {}.lst name no model that is there ({} are missing)", root.string(),
             split, missing);
    if (missing > 0)
        log_warning("{}: {} models of the lists {}.lst have no folder and are left out", root.string(), missing, split);
    return std::make_unique<PaperSet>(root, std::move(ids), files);
}

std::unique_ptr<ModelSet> open_model_set(const fs::path& path, std::string_view split,
                                         std::span<const std::string> classes, const PaperFiles& files) {
    if (fs::is_regular_file(path)) return open_packed_set(path, classes);
    if (!fs::is_directory(path)) fail(ErrorKind::input, "{}: there is no such data set", path.string());
    const fs::path packed = path / fmt::format("{}.safetensors", split);
    if (fs::is_regular_file(packed)) return open_packed_set(packed, classes);
    return open_paper_set(path, split, classes, files);
}

}  // namespace nir::data
