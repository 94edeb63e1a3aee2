// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Writing packed sets: sizes first, then every array, model by model.
#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/data/packed_set.h"
#include "nir/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

namespace nir::data {
namespace {

using io::DType;
using io::TensorView;

/// Bytes of one model's part of an array.
using Part = std::vector<std::byte>;

struct Column {
    std::string name;
    DType type = DType::u8;
    std::vector<std::int64_t> shape;
    std::function<Part(std::size_t model)> part;
};

/// What the first pass learns.
struct Survey {
    std::vector<std::int64_t> points_begin{0}, labels_begin{0}, surface_begin{0};
    bool half_points = true, half_surface = true, normals = true;
    std::optional<int> cells;
    bool same_views = true;
    std::size_t views = 0;
    int width = 0, height = 0;
};

class Packer {
public:
    Packer(const ModelSet& models, const PackOptions& options, Progress& progress)
        : models_(models), options_(options), progress_(progress) {}

    PackResult write(const std::filesystem::path& path, std::string_view split) {
        NIR_CHECK(models_.size() > 0);
        progress_.begin("pack", 0, "models");
        survey();
        const std::vector<Column> columns = make_columns();
        std::vector<TensorView> views;
        for (const auto& c : columns) views.push_back({c.name, c.type, c.shape, {}});
        std::map<std::string, std::string> metadata = {{"format", kPackedFormat}, {"split", std::string(split)}};
        std::string names;
        for (std::size_t m = 0; m < models_.size(); ++m) names += (m > 0 ? "\n" : "") + models_.title(m);
        metadata["models"] = names;
        if (has_voxels()) metadata["voxel_cells"] = fmt::format("{}", *seen_.cells);

        OutputFile file(path);
        PackResult result;
        const std::string header = io::safetensors_header(views, metadata);
        file.stream() << header;
        result.bytes = header.size();
        for (const auto& c : columns) {
            const std::uint64_t size = io::checked_byte_count(c.shape, c.type);
            std::uint64_t written = 0;
            for (std::size_t m = 0; m < models_.size(); ++m) {
                const Part part = c.part(m);
                written += part.size();
                file.write(part);
                step();
            }
            if (written != size) fail(ErrorKind::input, "\"{}\": the models changed while they were packed", c.name);
            result.bytes += size;
        }
        file.commit();
        progress_.end();
        result.models = models_.size();
        result.points = static_cast<std::uint64_t>(seen_.points_begin.back());
        result.surface_points = static_cast<std::uint64_t>(seen_.surface_begin.back());
        result.voxels = has_voxels(), result.views = has_views();
        return result;
    }

private:
    void step() {
        if (!progress_.advance(0)) fail(ErrorKind::cancelled, "stopped while packing");
    }
    bool has_voxels() const { return options_.voxels && seen_.cells.has_value(); }
    bool has_views() const { return options_.views && seen_.same_views && seen_.views > 0; }

    void survey() {
        for (std::size_t m = 0; m < models_.size(); ++m) {
            step();
            Rng rng(m);
            const LabelledPoints points = models_.points(m, false, rng);
            const SurfacePoints surface = models_.surface(m, rng);
            const auto n = static_cast<std::int64_t>(points.points.size());
            seen_.points_begin.push_back(seen_.points_begin.back() + n);
            seen_.labels_begin.push_back(seen_.labels_begin.back() + (n + 7) / 8);
            seen_.surface_begin.push_back(seen_.surface_begin.back() +
                                          static_cast<std::int64_t>(surface.points.size()));
            seen_.half_points = seen_.half_points && points.points.type == DType::f16;
            seen_.half_surface = seen_.half_surface && surface.points.type == DType::f16 &&
                                 (surface.normals.empty() || surface.normals.type == DType::f16);
            seen_.normals = seen_.normals && !surface.normals.empty();
            survey_grids(m);
        }
    }

    void survey_grids(std::size_t m) {
        if (options_.voxels && (m == 0 || seen_.cells)) {
            std::optional<int> cells;
            try {
                const geom::VoxelGrid grid = models_.voxels(m);
                if (grid.size.x == grid.size.y && grid.size.x == grid.size.z && grid.size.x <= 1024)
                    cells = grid.size.x;
            } catch (const Error& e) {
                if (e.kind() != ErrorKind::input) throw;  // a broken grid; a missing one means that there are none
            }
            seen_.cells = m == 0 || cells == seen_.cells ? cells : std::nullopt;
        }
        if (!options_.views || !seen_.same_views) return;
        const std::size_t n = models_.views(m);
        if (m > 0 && n != seen_.views) seen_.same_views = false;
        seen_.views = n;
        if (n == 0 || !seen_.same_views) return;
        const geom::Image8 image = models_.view(m, 0);
        if (m > 0 && (image.width != seen_.width || image.height != seen_.height)) seen_.same_views = false;
        seen_.width = image.width, seen_.height = image.height;
    }

    static Part bytes_of(const std::vector<std::int64_t>& values) {
        Part out(values.size() * 8);
        std::memcpy(out.data(), values.data(), out.size());
        return out;
    }
    /// All values at model 0, nothing behind.
    Column small(std::string name, const std::vector<std::int64_t>& values) const {
        return {std::move(name), DType::i64, {static_cast<std::int64_t>(values.size())}, [values](std::size_t m) {
                    return m == 0 ? bytes_of(values) : Part{};
                }};
    }

    /// The rows in the type of the packed file.
    static Part rows(const PointColumn& column, bool half) {
        if (half || column.type == DType::f32) return {column.bytes.begin(), column.bytes.end()};
        Part out(column.size() * 12);
        for (std::size_t i = 0; i < column.size(); ++i) {
            const geom::Vec3f p = column[i];
            std::memcpy(out.data() + 12 * i, &p.x, 12);
        }
        return out;
    }
    static Part bits(const std::vector<std::uint8_t>& values) {
        const auto packed = io::pack_bits(values);
        Part out(packed.size());
        std::memcpy(out.data(), packed.data(), packed.size());
        return out;
    }
    Part labels(std::size_t m) const {
        Rng rng(m);
        const LabelledPoints p = models_.points(m, false, rng);
        std::vector<std::uint8_t> values(p.points.size());
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = p.inside[i] ? 1 : 0;
        return bits(values);
    }
    Part surface_rows(std::size_t m, bool normals) const {
        Rng rng(m);
        (void)models_.points(m, false, rng);  // the same draws as in survey()
        const SurfacePoints s = models_.surface(m, rng);
        return rows(normals ? s.normals : s.points, seen_.half_surface);
    }
    Part pictures(std::size_t m) const {
        Part out;
        for (std::size_t v = 0; v < seen_.views; ++v) {
            const geom::Image8 image = models_.view(m, v);
            if (image.width != seen_.width || image.height != seen_.height || image.channels != 3)
                fail(ErrorKind::input, "{}: picture {} is {} x {} with {} channels; the first one is {} x {} in colour",
                     models_.title(m), v, image.width, image.height, image.channels, seen_.width, seen_.height);
            const auto* from = reinterpret_cast<const std::byte*>(image.data.data());
            out.insert(out.end(), from, from + image.data.size());
        }
        return out;
    }

    std::vector<Column> make_columns() const {
        const auto n = static_cast<std::int64_t>(models_.size());
        const DType points = seen_.half_points ? DType::f16 : DType::f32;
        const DType surface = seen_.half_surface ? DType::f16 : DType::f32;
        std::vector<Column> out;
        out.push_back({"loc", DType::f64, {n, 3}, [this](std::size_t m) {
                           const geom::Frame f = models_.frame(m);
                           Part part(24);
                           std::memcpy(part.data(), &f.center_user.x, 24);
                           return part;
                       }});
        out.push_back({"scale", DType::f64, {n}, [this](std::size_t m) {
                           const geom::Frame f = models_.frame(m);
                           Part part(8);
                           std::memcpy(part.data(), &f.scale, 8);
                           return part;
                       }});
        out.push_back(small("points_begin", seen_.points_begin));
        out.push_back(small("labels_begin", seen_.labels_begin));
        out.push_back(small("surface_begin", seen_.surface_begin));
        out.push_back({"points", points, {seen_.points_begin.back(), 3}, [this](std::size_t m) {
                           Rng rng(m);
                           return rows(models_.points(m, false, rng).points, seen_.half_points);
                       }});
        out.push_back({"surface", surface, {seen_.surface_begin.back(), 3}, [this](std::size_t m) {
                           return surface_rows(m, false);
                       }});
        if (seen_.normals)
            out.push_back({"normals", surface, {seen_.surface_begin.back(), 3}, [this](std::size_t m) {
                               return surface_rows(m, true);
                           }});
        out.push_back({"labels", DType::u8, {seen_.labels_begin.back()}, [this](std::size_t m) { return labels(m); }});
        if (has_voxels()) {
            const std::int64_t c = *seen_.cells;
            out.push_back({"voxels", DType::u8, {n, (c * c * c + 7) / 8}, [this](std::size_t m) {
                               const geom::VoxelGrid grid = models_.voxels(m);
                               std::vector<std::uint8_t> values(grid.values.size());
                               std::transform(grid.values.begin(), grid.values.end(), values.begin(),
                                              [](float v) { return static_cast<std::uint8_t>(v > 0.5f); });
                               return bits(values);
                           }});
        }
        if (has_views())
            out.push_back({"views",
                           DType::u8,
                           {n, static_cast<std::int64_t>(seen_.views), seen_.height, seen_.width, 3},
                           [this](std::size_t m) { return pictures(m); }});
        return out;
    }

    const ModelSet& models_;
    const PackOptions& options_;
    Progress& progress_;
    Survey seen_;
};

}  // namespace

PackResult write_packed_set(const std::filesystem::path& file, const ModelSet& models, std::string_view split,
                            const PackOptions& options, Progress& progress) {
    return Packer(models, options, progress).write(file, split);
}

}  // namespace nir::data
