// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/info.h"

#include "nir/base/error.h"
#include "nir/base/phase_timer.h"
#include "nir/io/formats.h"
#include "nir/render/light_field.h"
#include "nir/render/radiance_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nir::pipeline {
namespace {

// A file name as one word of a shell.
std::string shell_word(const std::filesystem::path& path) {
    const std::string s = path.string();
    const bool plain = !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-/+=:,@%").find(c) != std::string_view::npos;
    });
    if (plain) return s;
    std::string out = "'";
    for (const char c : s) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

void describe_geometry(const std::filesystem::path& path, io::Geometry&& g, FileInfo& out) {
    out.kind = g.faces.empty() ? "points" : "mesh";
    out.encoding = g.encoding;
    out.ignored = g.ignored;
    out.points = g.points.size(), out.faces = g.faces.size(), out.polygons = g.polygons;
    out.normals = !g.normals.empty(), out.colors = !g.colors.empty();
    out.sensors = !g.sensors.empty(), out.confidence = !g.confidence.empty();
    out.non_finite = io::count_non_finite(g.points);
    for (const geom::Vec3d& p : g.points) {
        if (geom::is_finite(p)) out.bounds.extend(p);
    }
    out.geo_referenced = io::needs_double(g.points);
    const geom::ScanReport scan = geom::inspect_scan(g.points);
    if (scan.kept.size() >= 2) out.spacing = scan.spacing;
    if (out.kind == "points" || out.non_finite > 0) out.findings = scan.findings;

    const std::string file = shell_word(path);
    if (out.kind == "points") {
        if (const geom::ScanFinding* error = scan.error())
            out.suggestion = "no surface can be made of it: " + error->text;
        else
            out.suggestion = fmt::format("nir reconstruct {} -o mesh.ply", file);
        return;
    }
    out.mesh = geom::check_mesh(io::to_mesh(std::move(g)));
    if (out.mesh->watertight())
        out.suggestion = fmt::format("nir evaluate other.ply --truth {}", file);
    else
        out.suggestion =
            fmt::format("nir reconstruct {} -o closed.ply  (takes its {} vertices as a scan)", file, out.points);
}

void describe_voxels(const std::filesystem::path& path, const geom::VoxelGrid& grid, FileInfo& out) {
    out.kind = "voxel grid";
    out.size = grid.size;
    out.cell = grid.spacing.x;
    out.filled = static_cast<std::size_t>(
        std::count_if(grid.values.begin(), grid.values.end(), [](float v) { return v > 0.5f; }));
    const geom::Vec3d half = grid.spacing / 2;
    const geom::Vec3d last{static_cast<double>(grid.size.x - 1), static_cast<double>(grid.size.y - 1),
                           static_cast<double>(grid.size.z - 1)};
    out.bounds.extend(grid.origin - half);
    out.bounds.extend(grid.origin + last * grid.spacing + half);
    const bool cells = std::all_of(grid.values.begin(), grid.values.end(), [](float v) { return v == 0 || v == 1; });
    out.suggestion = fmt::format("nir extract {} -o mesh.ply --level {}", shell_word(path), cells ? "0.5" : "LEVEL");
}

ArraySummary summarize(const io::NamedArray& a) {
    ArraySummary s{a.name, std::string(io::name_of(a.dtype)), a.shape_text(), a.count(), 0, 0, 0};
    bool any = false;
    for (const double v : a.to_double()) {
        if (!std::isfinite(v)) {
            ++s.non_finite;
            continue;
        }
        s.lo = any ? std::min(s.lo, v) : v;
        s.hi = any ? std::max(s.hi, v) : v;
        any = true;
    }
    return s;
}

// Points, a volume, or just arrays.
void describe_arrays(const std::filesystem::path& path, io::TensorFile&& file, FileInfo& out) {
    for (const io::NamedArray& a : file.arrays) out.arrays.push_back(summarize(a));
    out.metadata = file.metadata;
    const std::string word = shell_word(path);
    if (out.format == "safetensors" && render::is_radiance(file.metadata)) {
        out.kind = "radiance field";
        out.suggestion = fmt::format("nir render {} -o turn --orbit 8, or nir extract {} -o mesh.ply", word, word);
        return;
    }
    if (out.format == "safetensors" && render::is_light_field(file.metadata)) {
        out.kind = "light field";
        out.suggestion = fmt::format("nir render {} --lights LIGHTS.json -o frames", word);
        return;
    }
    if (out.format == "safetensors") {
        out.kind = file.metadata.contains("config") || file.metadata.contains("model") ? "model" : "arrays";
        out.suggestion = out.kind == "model"
                             ? fmt::format("nir reconstruct scan.ply -o mesh.ply --model {}", word)
                             : fmt::format("nir convert {} model.safetensors --config CONFIG.toml", word);
        return;
    }
    out.kind = "arrays";
    const auto holds = [](auto&& convert) {
        try {
            convert();
            return true;
        } catch (const Error&) {
            return false;
        }
    };
    io::Geometry geometry;
    if (holds([&] { geometry = io::to_geometry(file); })) {
        describe_geometry(path, std::move(geometry), out);
    } else if (holds([&] { out.size = io::to_voxel_grid(file).size; })) {
        out.suggestion = fmt::format("nir extract {} -o mesh.ply --level LEVEL", word);
    } else {
        out.suggestion = "arrays that nir takes where a verb asks for them";
    }
}

}  // namespace

FileInfo info(const std::filesystem::path& path, PhaseTimer& timer) {
    io::SceneFile file;
    {
        const auto reading = timer.phase("read");
        file = io::read_scene_file(path);
    }
    FileInfo out;
    out.format = file.format->name;
    out.file_bytes = file.file_bytes;
    with_context(path.string(), [&] {
        if (auto* g = std::get_if<io::Geometry>(&file.content)) {
            describe_geometry(path, std::move(*g), out);
        } else if (const auto* grid = std::get_if<geom::VoxelGrid>(&file.content)) {
            describe_voxels(path, *grid, out);
        } else if (const auto* image = std::get_if<geom::Image8>(&file.content)) {
            out.kind = "image";
            out.size = {image->width, image->height, image->channels};
            out.suggestion = "an input of models that see images (--input)";
        } else {
            describe_arrays(path, std::move(std::get<io::TensorFile>(file.content)), out);
        }
    });
    return out;
}

}  // namespace nir::pipeline
