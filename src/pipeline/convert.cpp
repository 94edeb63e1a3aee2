// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/pipeline/convert.h"

#include "nir/base/error.h"
#include "nir/base/output_file.h"
#include "nir/base/phase_timer.h"
#include "nir/io/formats.h"

#include <algorithm>
#include <variant>

namespace nir::pipeline {
namespace {

using io::Format;

bool is_one_of(const Format& f, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), f.name) != names.end();
}

// What a format cannot hold of this geometry.
std::vector<std::string> lost_columns(const Format& to, const io::Geometry& g) {
    std::vector<std::string> lost;
    const auto check = [&](bool there, const char* what, std::initializer_list<std::string_view> holders) {
        if (there && !is_one_of(to, holders)) lost.emplace_back(what);
    };
    check(!g.faces.empty(), "faces", {"PLY", "OBJ", "OFF", "STL", "GLB", "NPZ"});
    check(!g.normals.empty(), "normals", {"PLY", "OBJ", "OFF", "GLB", "NPZ", "XYZ"});
    check(!g.colors.empty(), "colors", {"PLY", "OBJ", "OFF", "GLB", "NPZ", "XYZ"});
    check(!g.confidence.empty(), "confidence", {"PLY", "NPZ"});
    check(!g.sensors.empty(), "sensors", {"PLY", "NPZ"});
    return lost;
}

class Converter {
public:
    Converter(const std::filesystem::path& out, PhaseTimer& timer)
        : out_(out), timer_(timer), to_(io::format_of_ending(out)) {
        if (!to_ || !to_->writable())
            io::format_for_writing(
                out, [](const Format& f) { return f.writable(); }, "that");
        result_.to = to_->name;
    }

    ConvertResult run(io::SceneFile&& file) {
        result_.from = file.format->name;
        std::visit([&](auto& content) { write(std::move(content)); }, file.content);
        return std::move(result_);
    }

private:
    void write(io::Geometry&& g) {
        result_.kind = g.faces.empty() ? "points" : "mesh";
        result_.points = g.points.size(), result_.faces = g.faces.size();
        result_.lost = lost_columns(*to_, g);
        io::format_for_writing(
            out_, [](const Format& f) { return f.write_geometry != nullptr; },
            result_.kind == "mesh" ? "a mesh" : "points");
        save([&](std::ostream& out) { to_->write_geometry(out, g); });
    }
    void write(geom::VoxelGrid&& grid) {
        result_.kind = "voxel grid";
        if (!to_->write_voxels && to_->write_geometry) {
            fail(ErrorKind::usage, "{}: a voxel grid is no mesh; nir extract makes one of it", out_.string());
        }
        io::format_for_writing(
            out_, [](const Format& f) { return f.write_voxels != nullptr; }, "a voxel grid");
        if (to_->name != "binvox") result_.lost = {"origin", "spacing"};
        save([&](std::ostream& out) { to_->write_voxels(out, grid); });
    }
    void write(geom::Image8&& image) {
        result_.kind = "image";
        io::format_for_writing(
            out_, [](const Format& f) { return f.write_image != nullptr; }, "an image");
        save([&](std::ostream& out) { to_->write_image(out, image); });
    }
    void write(io::TensorFile&& file) {
        if (to_->write_arrays) {
            result_.kind = "arrays";
            result_.arrays = file.arrays.size();
            if (!file.metadata.empty() && to_->name != "safetensors") result_.lost = {"metadata"};
            // NPY has no name for its array, safetensors and NPZ need one.
            for (io::NamedArray& a : file.arrays)
                if (a.name.empty()) a.name = "values";
            save([&](std::ostream& out) { to_->write_arrays(out, file); });
        } else if (to_->write_geometry) {
            write(io::to_geometry(file));
        } else if (to_->write_voxels) {
            write(io::to_voxel_grid(file));
        } else {
            fail(ErrorKind::usage, "nir cannot write arrays to a {} file", to_->name);
        }
    }
    template <class F>
    void save(F&& write) {
        const auto writing = timer_.phase("write");
        OutputFile file(out_);
        write(file.stream());
        file.commit();
    }

    const std::filesystem::path& out_;
    PhaseTimer& timer_;
    const Format* to_;
    ConvertResult result_;
};

}  // namespace

ConvertResult convert(const std::filesystem::path& in, const std::filesystem::path& out, PhaseTimer& timer) {
    Converter converter(out, timer);
    io::SceneFile file;
    {
        const auto reading = timer.phase("read");
        file = io::read_scene_file(in);
    }
    try {
        return converter.run(std::move(file));
    } catch (Error& e) {
        // What is wrong with the contents is the input's fault; errors of the target name it already.
        if (e.kind() == ErrorKind::input || e.kind() == ErrorKind::format) e.add_context(in.string());
        throw;
    }
}

}  // namespace nir::pipeline
