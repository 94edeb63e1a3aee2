// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Reading packed sets: a safetensors file whose arrays hold all models one behind the other.
#include "nir/data/packed_set.h"

#include "nir/base/error.h"
#include "nir/io/file_bytes.h"
#include "nir/io/mapped_file.h"
#include "nir/io/safetensors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace nir::data {
namespace {

using io::DType;
using io::TensorView;

/// Value `i` of an array that need not be aligned.
template <class T>
T value_at(const TensorView& a, std::size_t i) {
    T v;
    std::memcpy(&v, a.bytes.data() + i * sizeof(T), sizeof(T));
    return v;
}

std::string shape_text(const TensorView& a) { return io::NamedArray{{}, a.dtype, a.shape, {}}.shape_text(); }

/// A split of numbers from..to, one more than models: begins of their parts.
class Offsets {
public:
    Offsets() = default;
    Offsets(const TensorView& array, std::size_t models, std::uint64_t total) : array_(&array) {
        if (array.dtype != DType::i64 || array.shape != std::vector{static_cast<std::int64_t>(models) + 1})
            fail(ErrorKind::format, "\"{}\" is {} {}; int64 [{}] is needed", array.name, io::name_of(array.dtype),
                 shape_text(array), models + 1);
        std::int64_t last = 0;
        for (std::size_t i = 0; i <= models; ++i) {
            const auto v = value_at<std::int64_t>(array, i);
            if (v < last || (i == 0 && v != 0))
                fail(ErrorKind::format, "\"{}\": value {} is {}, behind {}", array.name, i, v, last);
            last = v;
        }
        if (static_cast<std::uint64_t>(last) != total)
            fail(ErrorKind::format, "\"{}\" ends at {}, but there are {} rows", array.name, last, total);
    }
    std::size_t begin(std::size_t i) const { return static_cast<std::size_t>(value_at<std::int64_t>(*array_, i)); }
    std::size_t end(std::size_t i) const { return begin(i + 1); }

private:
    const TensorView* array_ = nullptr;
};

class PackedSet final : public ModelSet {
public:
    PackedSet(std::string_view bytes, std::shared_ptr<const void> owner, std::span<const std::string> classes)
        : file_(io::view_safetensors(bytes)), owner_(std::move(owner)) {
        check_format();
        read_names();
        loc_ = &need("loc", DType::f64, {models(), 3});
        scale_ = &need("scale", DType::f64, {models()});
        if ((points_ = file_.find("points")) != nullptr) {
            labels_ = file_.find("labels");
            if (labels_ == nullptr || labels_->dtype != DType::u8 || labels_->shape.size() != 1)
                fail(ErrorKind::format, "there are \"points\" but no \"labels\" of uint8 [N]");
            points_at_ = Offsets(at("points_begin"), ids_.size(), rows_of(*points_));
            labels_at_ = Offsets(at("labels_begin"), ids_.size(), labels_->bytes.size());
            for (std::size_t i = 0; i < ids_.size(); ++i)
                if (labels_at_.end(i) - labels_at_.begin(i) != (points_at_.end(i) - points_at_.begin(i) + 7) / 8)
                    fail(ErrorKind::format, "model {}: the labels are not one bit per point", i);
        }
        if ((surface_ = file_.find("surface")) != nullptr) {
            surface_at_ = Offsets(at("surface_begin"), ids_.size(), rows_of(*surface_));
            if ((normals_ = file_.find("normals")) != nullptr && rows_of(*normals_) != rows_of(*surface_))
                fail(ErrorKind::format, "{} surface points, but {} normals", rows_of(*surface_), rows_of(*normals_));
        }
        if (points_ == nullptr && surface_ == nullptr) fail(ErrorKind::format, "holds neither points nor surface");
        read_grids();
        choose(classes);
    }

    std::size_t size() const override { return chosen_.size(); }
    std::string class_of(std::size_t m) const override { return ids_[chosen_.at(m)].model_class; }
    std::string name_of(std::size_t m) const override { return ids_[chosen_.at(m)].name; }

    geom::Frame frame(std::size_t m) const override {
        const std::size_t i = chosen_.at(m);
        return {
            {value_at<double>(*loc_, 3 * i), value_at<double>(*loc_, 3 * i + 1), value_at<double>(*loc_, 3 * i + 2)},
            value_at<double>(*scale_, i)};
    }

    LabelledPoints points(std::size_t m, bool, Rng&) const override {
        if (points_ == nullptr) fail(ErrorKind::input, "the packed set holds no labelled points");
        const std::size_t i = chosen_.at(m);
        LabelledPoints out;
        out.points = column(*points_, points_at_, i);
        const auto* bits = reinterpret_cast<const std::uint8_t*>(labels_->bytes.data());
        out.inside = {{bits + labels_at_.begin(i), bits + labels_at_.end(i)}, true, owner_};
        if (out.points.empty()) fail(ErrorKind::format, "{}: holds no points", title(m));
        return out;
    }
    SurfacePoints surface(std::size_t m, Rng&) const override {
        if (surface_ == nullptr) fail(ErrorKind::input, "the packed set holds no surface points");
        SurfacePoints out;
        out.points = column(*surface_, surface_at_, chosen_.at(m));
        if (normals_ != nullptr) out.normals = column(*normals_, surface_at_, chosen_.at(m));
        if (out.points.empty()) fail(ErrorKind::format, "{}: holds no surface points", title(m));
        return out;
    }

    geom::VoxelGrid voxels(std::size_t m) const override {
        if (voxels_ == nullptr) fail(ErrorKind::input, "the packed set holds no voxel grids");
        const auto n = static_cast<std::size_t>(cells_);
        const auto row = static_cast<std::size_t>(voxels_->shape[1]);
        const auto* bits = reinterpret_cast<const std::uint8_t*>(voxels_->bytes.data()) + row * chosen_.at(m);
        geom::VoxelGrid grid;
        grid.size = {cells_, cells_, cells_};
        const double cell = 1.0 / cells_;
        grid.spacing = {cell, cell, cell};
        grid.origin = geom::Vec3d{-0.5, -0.5, -0.5} + grid.spacing / 2.0;
        grid.values.resize(n * n * n);
        for (std::size_t i = 0; i < grid.values.size(); ++i)
            grid.values[i] = (bits[i >> 3] >> (7 - (i & 7)) & 1) != 0 ? 1.0f : 0.0f;
        return grid;
    }
    std::size_t views(std::size_t) const override {
        return views_ == nullptr ? 0 : static_cast<std::size_t>(views_->shape[1]);
    }
    geom::Image8 view(std::size_t m, std::size_t view) const override {
        if (view >= views(m)) fail(ErrorKind::input, "{}: there is no picture {}", title(m), view);
        geom::Image8 image(static_cast<int>(views_->shape[3]), static_cast<int>(views_->shape[2]), 3);
        const std::size_t at = (chosen_.at(m) * views(m) + view) * image.data.size();
        std::memcpy(image.data.data(), views_->bytes.data() + at, image.data.size());
        return image;
    }

private:
    std::int64_t models() const { return static_cast<std::int64_t>(ids_.size()); }

    const TensorView& at(std::string_view name) const {
        const TensorView* a = file_.find(name);
        if (a == nullptr) fail(ErrorKind::format, "there is no \"{}\"", name);
        return *a;
    }
    const TensorView& need(std::string_view name, DType type, const std::vector<std::int64_t>& shape) const {
        const TensorView& a = at(name);
        if (a.dtype != type || a.shape != shape)
            fail(ErrorKind::format, "\"{}\" is {} {}; {} {} is needed", name, io::name_of(a.dtype), shape_text(a),
                 io::name_of(type), io::NamedArray{{}, type, shape, {}}.shape_text());
        return a;
    }
    static std::uint64_t rows_of(const TensorView& a) {
        if ((a.dtype != DType::f16 && a.dtype != DType::f32) || a.shape.size() != 2 || a.shape[1] != 3)
            fail(ErrorKind::format, "\"{}\" is {} {}; float16 or float32 [N, 3] is needed", a.name,
                 io::name_of(a.dtype), shape_text(a));
        return static_cast<std::uint64_t>(a.shape[0]);
    }
    PointColumn column(const TensorView& a, const Offsets& offsets, std::size_t i) const {
        const std::size_t row = 3 * io::size_of(a.dtype);
        return {a.bytes.subspan(row * offsets.begin(i), row * (offsets.end(i) - offsets.begin(i))), a.dtype, owner_};
    }

    void check_format() const {
        const auto it = file_.metadata.find("format");
        if (it == file_.metadata.end() || it->second != kPackedFormat)
            fail(ErrorKind::format,
                 "is no packed data set of this version of nir (metadata \"format\" is {}, not \"{}\")",
                 it == file_.metadata.end() ? std::string("missing") : "\"" + it->second.substr(0, 40) + "\"",
                 kPackedFormat);
    }
    void read_names() {
        const auto it = file_.metadata.find("models");
        if (it == file_.metadata.end()) fail(ErrorKind::format, "metadata \"models\" is missing");
        std::string_view rest = it->second;
        while (!rest.empty()) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            const auto slash = line.find('/');
            if (slash == 0 || slash == std::string_view::npos || slash + 1 == line.size())
                fail(ErrorKind::format, "metadata \"models\": line {} is not CLASS/NAME", ids_.size() + 1);
            ids_.push_back({std::string(line.substr(0, slash)), std::string(line.substr(slash + 1))});
        }
        if (ids_.empty()) fail(ErrorKind::format, "holds no models");
    }
    void read_grids() {
        if ((voxels_ = file_.find("voxels")) != nullptr) {
            const auto it = file_.metadata.find("voxel_cells");
            const std::string text = it == file_.metadata.end() ? "" : it->second;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cells_);
            if (error != std::errc{} || end != text.data() + text.size() || cells_ < 1 || cells_ > 1024)
                fail(ErrorKind::format, "metadata \"voxel_cells\" must be 1 to 1024");
            const std::int64_t n = cells_;
            need("voxels", DType::u8, {models(), (n * n * n + 7) / 8});
        }
        if ((views_ = file_.find("views")) == nullptr) return;
        const auto& s = views_->shape;
        if (views_->dtype != DType::u8 || s.size() != 5 || s[0] != models() || s[1] < 1 || s[2] < 1 || s[3] < 1 ||
            s[2] > (1 << 15) || s[3] > (1 << 15) || s[4] != 3)
            fail(ErrorKind::format, "\"views\" is {} {}; uint8 [{}, views, height, width, 3] is needed",
                 io::name_of(views_->dtype), shape_text(*views_), ids_.size());
    }
    void choose(std::span<const std::string> classes) {
        for (const auto& c : classes)
            if (std::none_of(ids_.begin(), ids_.end(), [&](const ModelId& id) { return id.model_class == c; }))
                fail(ErrorKind::input, "there is no class \"{}\"", c);
        for (std::size_t i = 0; i < ids_.size(); ++i)
            if (classes.empty() || std::find(classes.begin(), classes.end(), ids_[i].model_class) != classes.end())
                chosen_.push_back(i);
    }

    io::TensorFileView file_;
    std::shared_ptr<const void> owner_;
    std::vector<ModelId> ids_;
    std::vector<std::size_t> chosen_;
    const TensorView *points_ = nullptr, *labels_ = nullptr, *surface_ = nullptr, *normals_ = nullptr;
    const TensorView *voxels_ = nullptr, *views_ = nullptr, *loc_ = nullptr, *scale_ = nullptr;
    Offsets points_at_, labels_at_, surface_at_;
    std::int32_t cells_ = 0;
};

}  // namespace

std::unique_ptr<ModelSet> parse_packed_set(std::string_view bytes, std::span<const std::string> classes) {
    return std::make_unique<PackedSet>(bytes, nullptr, classes);
}

std::unique_ptr<ModelSet> open_packed_set(const std::filesystem::path& path, std::span<const std::string> classes) {
    return with_context(path.string(), [&]() -> std::unique_ptr<ModelSet> {
        const auto file = std::make_shared<const io::MappedFile>(path);
        return std::make_unique<PackedSet>(file->view(), file, classes);
    });
}

}  // namespace nir::data
