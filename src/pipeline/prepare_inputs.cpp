// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Which meshes to prepare, and what they are called.
#include "nir/base/diagnostics.h"
#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/data/shape_generator.h"
#include "nir/io/formats.h"

#include "pipeline/prepare_parts.h"

#include <algorithm>
#include <map>

namespace nir::pipeline {
namespace {

namespace fs = std::filesystem;

/// Formats that hold triangles and nothing but shapes; NPZ in a folder may be anything.
bool looks_like_mesh(const fs::path& path) {
    const io::Format* format = io::format_of_ending(path);
    return format != nullptr && format->parse_geometry &&
           (format->name == "PLY" || format->name == "OBJ" || format->name == "OFF" || format->name == "STL" ||
            format->name == "GLB");
}

/// A name that can be a folder and a line of a list.
std::string safe_name(std::string name) {
    for (char& c : name)
        if (static_cast<unsigned char>(c) < 0x21 || c == '/' || c == '\\' || c == '"') c = '_';
    if (name.empty() || name[0] == '.') name.insert(0, "_");
    return name;
}

void find_in_folder(const fs::path& folder, std::vector<MeshSource>& out) {
    struct Found {
        fs::path file;
        std::vector<std::string> parts;
    };
    std::vector<Found> found;
    std::map<std::pair<std::string, std::string>, int> in_subfolder;
    for (const auto& e : fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink)) {
        if (!e.is_regular_file() || e.path().filename().string().starts_with('.') || !looks_like_mesh(e.path()))
            continue;
        Found f{e.path(), {}};
        for (const auto& part : e.path().lexically_relative(folder)) f.parts.push_back(part.string());
        if (f.parts.size() > 2) ++in_subfolder[{f.parts[0], f.parts[1]}];
        found.push_back(std::move(f));
    }
    if (found.empty()) fail(ErrorKind::input, "{}: the folder holds no mesh (.ply, .obj, .off, .stl)", folder.string());
    const fs::path absolute = fs::absolute(folder).lexically_normal();
    const std::string own = (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
    for (const auto& f : found) {
        const std::string model_class = f.parts.size() == 1 ? own : f.parts[0];
        std::string name = f.file.stem().string();
        if (f.parts.size() > 2) {
            if (in_subfolder[{f.parts[0], f.parts[1]}] == 1) {
                name = f.parts[1];
            } else {
                name.clear();
                for (std::size_t i = 1; i + 1 < f.parts.size(); ++i) name += f.parts[i] + "_";
                name += f.file.stem().string();
            }
        }
        out.push_back({f.file, {safe_name(model_class), safe_name(name)}});
    }
}

}  // namespace

bool is_paper_dataset(const fs::path& path) { return fs::is_directory(path) && !data::paper_classes(path).empty(); }

std::vector<MeshSource> generated_sources(const PrepareOptions& options) {
    if (!options.inputs.empty())
        fail(ErrorKind::usage, "--generate makes its own shapes and takes no MESH ({})",
             options.inputs.front().string());
    if (options.z_up) fail(ErrorKind::usage, "--up z: generated shapes have y up already");
    const std::vector<std::string> known(data::shape_families().begin(), data::shape_families().end());
    const std::vector<std::string> wanted = options.families.empty() ? known : options.families;
    std::vector<MeshSource> out;
    for (auto family = wanted.begin(); family != wanted.end(); ++family) {
        if (std::find(known.begin(), known.end(), *family) == known.end()) {
            const std::string nearest = nearest_name(*family, known);
            fail(ErrorKind::usage, "--families: there is no family \"{}\"{}; there are {}", *family,
                 nearest.empty() ? "" : fmt::format(" – did you mean \"{}\"?", nearest), fmt::join(known, ", "));
        }
        if (std::find(wanted.begin(), family, *family) != family)
            fail(ErrorKind::usage, "--families: \"{}\" is named twice", *family);
        for (std::size_t i = 0; i < options.generate; ++i) {
            const data::ModelId id{*family, fmt::format("{:04}", i)};
            out.push_back({fmt::format("generated {}/{}", id.model_class, id.name), id, true});
        }
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return out;
}

std::vector<MeshSource> find_meshes(const PrepareOptions& options) {
    std::vector<MeshSource> out;
    for (const auto& input : options.inputs) {
        if (fs::is_directory(input))
            find_in_folder(input, out);
        else if (fs::exists(input))
            out.push_back({input, {safe_name(options.class_name), safe_name(input.stem().string())}});
        else
            fail(ErrorKind::input, "{}: there is no such file or folder", input.string());
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    for (std::size_t i = 1; i < out.size(); ++i)
        if (out[i].id == out[i - 1].id)
            fail(ErrorKind::usage, "{} and {} would both become the model {}/{}: rename one of them",
                 out[i - 1].file.string(), out[i].file.string(), out[i].id.model_class, out[i].id.name);
    return out;
}

}  // namespace nir::pipeline
