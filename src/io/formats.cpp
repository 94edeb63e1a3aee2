// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/formats.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/io/binvox.h"
#include "nir/io/file_bytes.h"
#include "nir/io/glb.h"
#include "nir/io/jpeg.h"
#include "nir/io/npy.h"
#include "nir/io/obj.h"
#include "nir/io/off.h"
#include "nir/io/pcd.h"
#include "nir/io/ply.h"
#include "nir/io/png.h"
#include "nir/io/safetensors.h"
#include "nir/io/stl.h"
#include "nir/io/xyz.h"

#include "io/binary.h"
#include "io/output.h"
#include "io/text.h"
#include "io/vdb_hook.h"

#include <algorithm>

namespace nir::io {
namespace {

bool begins(std::string_view bytes, std::string_view magic) { return bytes.starts_with(magic); }

bool zip_holds(std::string_view bytes, std::string_view ending) {
    if (!looks_like_zip(bytes)) return false;
    try {
        const ZipArchive archive(bytes);
        return std::any_of(archive.members().begin(), archive.members().end(),
                           [&](const ZipMember& m) { return m.name.ends_with(ending); });
    } catch (const Error&) {
        return false;
    }
}

// Lines that begin with the words of OBJ, one of them with v.
bool looks_like_obj(std::string_view bytes) {
    LineReader lines(bytes.substr(0, 4096));
    std::string_view line, word;
    bool vertex = false;
    for (int i = 0; i < 40 && lines.next(line); ++i) {
        Words<> words(line);
        if (!words.next(word) || word.front() == '#') continue;
        constexpr std::string_view known[] = {"v", "vn", "vt", "f", "o", "g", "s", "usemtl", "mtllib"};
        if (std::find(std::begin(known), std::end(known), word) == std::end(known)) return false;
        vertex = vertex || word == "v";
    }
    return vertex;
}

bool looks_like_safetensors(std::string_view bytes) {
    if (bytes.size() < 10 || load<std::uint64_t>(bytes.data()) > bytes.size() - 8) return false;
    return bytes[8] == '{' && (bytes[9] == '"' || bytes[9] == '}' || bytes[9] == ' ' || bytes[9] == '\n');
}

TensorFile parse_one_array(std::string_view bytes) {
    TensorFile file;
    file.arrays.push_back(parse_npy(bytes));
    return file;
}

void write_one_array(std::ostream& out, const TensorFile& file) {
    if (file.arrays.size() != 1)
        fail(ErrorKind::input, "NPY holds one array, and there are {}; write NPZ", file.arrays.size());
    write_npy(out, file.arrays[0]);
}

void write_points_npy(std::ostream& out, const GeometryView& g) {
    if (!g.faces.empty())
        log_info("NPY holds no faces: only the {} vertices are written; NPZ holds both", g.points.size());
    write_npy(out, to_arrays(g).arrays.at(0));
}

geom::VoxelGrid parse_vdb_if_linked(std::string_view bytes) {
    if (!vdb_parser()) fail(ErrorKind::input, "is an OpenVDB file, which this program does not read");
    return vdb_parser()(bytes);
}

NamedArray to_array(const geom::VoxelGrid& grid) {
    return NamedArray::from("values", {grid.size.x, grid.size.y, grid.size.z}, grid.values);
}

std::vector<Format> make_table() {
    std::vector<Format> t;
    t.push_back({.name = "PLY",
                 .extensions = {"ply"},
                 .summary = "points, meshes; text, binary of both byte orders; doubles where needed",
                 .matches = [](std::string_view b) { return begins(b, "ply\n") || begins(b, "ply\r"); },
                 .parse_geometry = parse_ply,
                 .write_geometry = [](std::ostream& o, const GeometryView& g) { write_ply(o, g); }});
    t.push_back({.name = "OBJ",
                 .extensions = {"obj"},
                 .summary = "meshes, points; colours behind the coordinates",
                 .matches = looks_like_obj,
                 .parse_geometry = parse_obj,
                 .write_geometry = [](std::ostream& o, const GeometryView& g) { write_obj(o, g); }});
    t.push_back({.name = "OFF",
                 .extensions = {"off", "coff", "noff"},
                 .summary = "meshes, points; OFF, COFF, NOFF, CNOFF as text",
                 .matches = looks_like_off,
                 .parse_geometry = parse_off,
                 .write_geometry = [](std::ostream& o, const GeometryView& g) { write_off(o, g); }});
    t.push_back({.name = "STL",
                 .extensions = {"stl"},
                 .summary = "meshes; text and binary, equal corners merged",
                 .matches = looks_like_stl,
                 .parse_geometry = parse_stl,
                 .write_geometry = [](std::ostream& o, const GeometryView& g) { write_stl(o, g); }});
    t.push_back({.name = "GLB",
                 .extensions = {"glb"},
                 .summary = "meshes, points (glTF 2.0); written only",
                 .advice = "nir writes GLB but does not read it; convert it to PLY or OBJ",
                 .matches = [](std::string_view b) { return begins(b, "glTF"); },
                 .write_geometry = [](std::ostream& o, const GeometryView& g) { write_glb(o, g); }});
    t.push_back({.name = "PCD",
                 .extensions = {"pcd"},
                 .summary = "points; ascii, binary, binary_compressed; read only",
                 .matches = looks_like_pcd,
                 .parse_geometry = parse_pcd});
    t.push_back({.name = "NPY",
                 .extensions = {"npy"},
                 .summary = "one array: points [N,3], voxels [X,Y,Z], images [3,H,W], values",
                 .matches = [](std::string_view b) { return begins(b, "\x93NUMPY"); },
                 .parse_arrays = parse_one_array,
                 .write_geometry = write_points_npy,
                 .write_arrays = write_one_array,
                 .write_voxels = [](std::ostream& o, const geom::VoxelGrid& g) { write_npy(o, to_array(g)); }});
    t.push_back({.name = "NPZ",
                 .extensions = {"npz"},
                 .summary = "named arrays; stored or deflated",
                 .matches = [](std::string_view b) { return zip_holds(b, ".npy"); },
                 .parse_arrays = parse_npz,
                 .write_geometry = [](std::ostream& o, const GeometryView& g) { write_npz(o, to_arrays(g)); },
                 .write_arrays = [](std::ostream& o, const TensorFile& f) { write_npz(o, f); },
                 .write_voxels =
                     [](std::ostream& o, const geom::VoxelGrid& g) {
                         write_npz(o, {{to_array(g)}, {}});
                     }});
    t.push_back({.name = "safetensors",
                 .extensions = {"safetensors"},
                 .summary = "models: named arrays with text metadata",
                 .matches = looks_like_safetensors,
                 .parse_arrays = parse_safetensors,
                 .write_arrays = [](std::ostream& o, const TensorFile& f) { write_safetensors(o, f); }});
    t.push_back({.name = "binvox",
                 .extensions = {"binvox"},
                 .summary = "voxel grids of 0 and 1",
                 .matches = [](std::string_view b) { return begins(b, "#binvox"); },
                 .parse_voxels = parse_binvox,
                 .write_voxels = [](std::ostream& o, const geom::VoxelGrid& g) { write_binvox(o, g); }});
    t.push_back({.name = "OpenVDB",
                 .extensions = {"vdb"},
                 .summary = "sparse volumes of scalars, level sets; read only",
                 .matches = looks_like_vdb,
                 .parse_voxels = parse_vdb_if_linked});
    t.push_back({.name = "PNG",
                 .extensions = {"png"},
                 .summary = "images of 8 or 16 bits",
                 .matches = looks_like_png,
                 .parse_image = parse_png,
                 .write_image = [](std::ostream& o, const geom::Image8& i) { write_png(o, i); }});
    t.push_back({.name = "JPEG",
                 .extensions = {"jpg", "jpeg"},
                 .summary = "images",
                 .matches = looks_like_jpeg,
                 .parse_image = parse_jpeg});
    // Known, to say so.
    const auto foreign = [&t](std::string_view name, std::vector<std::string_view> extensions, std::string_view advice,
                              bool (*matches)(std::string_view)) {
        t.push_back({.name = name, .extensions = std::move(extensions), .advice = advice, .matches = matches});
    };
    foreign("PyTorch checkpoint", {"pt", "pth"}, "nir convert makes a safetensors file of it",
            [](std::string_view b) { return zip_holds(b, "/data.pkl"); });
    foreign("glTF", {"gltf"}, "convert it to PLY or OBJ", nullptr);
    foreign("LAS", {"las", "laz"}, "convert it to PLY (pdal translate)",
            [](std::string_view b) { return begins(b, "LASF"); });
    foreign("E57", {"e57"}, "convert it to PLY (pdal translate)",
            [](std::string_view b) { return begins(b, "ASTM-E57"); });
    foreign("gzip", {"gz", "tgz"}, "unpack it first (gunzip)",
            [](std::string_view b) { return begins(b, "\x1f\x8b"); });
    foreign("HDF5", {"h5", "hdf5"}, "nir does not read it", [](std::string_view b) { return begins(b, "\x89HDF"); });
    foreign("PDF", {"pdf"}, "nir does not read it", [](std::string_view b) { return begins(b, "%PDF"); });
    foreign("zip archive", {"zip"}, "unpack it first (unzip)", looks_like_zip);
    // Text of numbers comes last: many things begin with numbers.
    t.push_back({.name = "XYZ",
                 .extensions = {"xyz", "xyzn", "xyzrgb", "txt", "csv", "pts", "asc"},
                 .summary = "points as text, with normals or colours",
                 .matches = looks_like_xyz,
                 .parse_geometry = parse_xyz,
                 .write_geometry = [](std::ostream& o, const GeometryView& g) { write_xyz(o, g); }});
    return t;
}

std::string endings(bool (*can)(const Format&)) {
    std::string list;
    for (const Format& f : formats()) {
        if (can(f)) list += fmt::format("{}.{}", list.empty() ? "" : ", ", f.extensions[0]);
    }
    return list;
}

std::string lower_ending(const std::filesystem::path& path) {
    std::string s = path.extension().string();
    if (!s.empty()) s.erase(0, 1);
    for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return s;
}

// Reads a file with a function of its format, which may be null ("what" it then is not).
template <class F>
auto read_as(const std::filesystem::path& path, std::string_view wanted, F&& convert) {
    return read_path(path, [&](std::string_view bytes) {
        const Format& format = detect_format(path, bytes);
        if (format.parse_image) fail(ErrorKind::input, "is an image ({}), not {}", format.name, wanted);
        return convert(format, bytes);
    });
}

Geometry parse_any_geometry(const Format& format, std::string_view bytes, std::string_view wanted) {
    if (format.parse_geometry) return format.parse_geometry(bytes);
    if (format.parse_arrays && format.name != "safetensors") return to_geometry(format.parse_arrays(bytes));
    fail(ErrorKind::input, "is a {} file ({}), not {}", format.name, format.summary, wanted);
}

// The file with its place's name; checks the ending before anything is opened.
template <class Write>
void write_by_ending(const std::filesystem::path& path, bool (*can)(const Format&), std::string_view what,
                     Write&& write) {
    const Format& format = format_for_writing(path, can, what);
    write_path(path, [&](std::ostream& out) { write(format, out); });
}

}  // namespace

std::span<const Format> formats() {
    static const std::vector<Format> table = make_table();
    return table;
}

std::vector<Component> format_components() {
    std::vector<Component> out;
    for (const Format& f : formats()) {
        if (f.readable() || f.writable())
            out.push_back({"format", std::string(f.name), std::string(f.summary),
                           fmt::format(".{}", fmt::join(f.extensions, " ."))});
    }
    return out;
}

const Format* format_of_ending(const std::filesystem::path& path) {
    const std::string ending = lower_ending(path);
    for (const Format& f : formats()) {
        if (std::find(f.extensions.begin(), f.extensions.end(), ending) != f.extensions.end()) return &f;
    }
    return nullptr;
}

const Format& detect_format(const std::filesystem::path& path, std::string_view bytes) {
    if (bytes.empty()) fail(ErrorKind::input, "the file is empty");
    const Format* by_ending = format_of_ending(path);
    const Format* found = by_ending;
    if (!by_ending || !by_ending->matches || !by_ending->matches(bytes)) {
        for (const Format& f : formats()) {
            if (!f.matches || !f.matches(bytes)) continue;
            // Contents that only look like numbers are no reason to overrule an ending.
            if (f.name == "XYZ" && by_ending) break;
            found = &f;
            break;
        }
    }
    if (!found) {
        const std::string ending = lower_ending(path);
        fail(ErrorKind::input, "unknown kind of file{}; nir reads {}",
             ending.empty() ? "" : fmt::format(" ({})", in_quotes(ending)),
             endings([](const Format& f) { return f.readable(); }));
    }
    if (!found->readable()) fail(ErrorKind::input, "is a {} file: {}", found->name, found->advice);
    if (by_ending && found != by_ending)
        log_info("{}: the ending says {}, the contents are {}", path.string(), by_ending->name, found->name);
    return *found;
}

const Format& format_for_writing(const std::filesystem::path& path, bool (*can)(const Format&), std::string_view what) {
    const Format* f = format_of_ending(path);
    if (f && can(*f)) return *f;
    const std::string ending = lower_ending(path);
    fail(ErrorKind::usage, "{}: nir cannot write {} to {}; use {}", path.string(), what,
         ending.empty() ? "a file without an ending" : "a ." + ending + " file", endings(can));
}

SceneFile read_scene_file(const std::filesystem::path& path) {
    return read_path(path, [&](std::string_view bytes) {
        const Format& f = detect_format(path, bytes);
        SceneFile file{&f, bytes.size(), {}};
        if (f.parse_geometry)
            file.content = f.parse_geometry(bytes);
        else if (f.parse_voxels)
            file.content = f.parse_voxels(bytes);
        else if (f.parse_image)
            file.content = f.parse_image(bytes);
        else
            file.content = f.parse_arrays(bytes);
        return file;
    });
}

geom::PointCloud read_point_cloud(const std::filesystem::path& path) {
    return read_as(path, "a scan", [](const Format& f, std::string_view bytes) {
        Geometry g = parse_any_geometry(f, bytes, "a scan");
        if (g.points.empty()) fail(ErrorKind::input, "holds no points");
        return to_point_cloud(std::move(g));
    });
}

geom::TriMesh read_mesh(const std::filesystem::path& path) {
    return read_as(path, "a mesh", [](const Format& f, std::string_view bytes) {
        return to_mesh(parse_any_geometry(f, bytes, "a mesh"));
    });
}

geom::VoxelGrid read_voxel_grid(const std::filesystem::path& path) {
    return read_as(path, "a voxel grid", [](const Format& f, std::string_view bytes) {
        if (f.parse_voxels) return f.parse_voxels(bytes);
        if (f.parse_arrays) return to_voxel_grid(f.parse_arrays(bytes));
        fail(ErrorKind::input, "is a {} file ({}), not a voxel grid", f.name, f.summary);
    });
}

void write_geometry(const std::filesystem::path& path, const GeometryView& g) {
    const std::string_view what = g.faces.empty() ? "points" : "a mesh";
    write_by_ending(
        path, [](const Format& f) { return f.write_geometry != nullptr; }, what,
        [&](const Format& f, std::ostream& out) { f.write_geometry(out, g); });
}
void write_voxel_grid(const std::filesystem::path& path, const geom::VoxelGrid& grid) {
    write_by_ending(
        path, [](const Format& f) { return f.write_voxels != nullptr; }, "a voxel grid",
        [&](const Format& f, std::ostream& out) { f.write_voxels(out, grid); });
}
void write_arrays(const std::filesystem::path& path, const TensorFile& file) {
    write_by_ending(
        path, [](const Format& f) { return f.write_arrays != nullptr; }, "arrays",
        [&](const Format& f, std::ostream& out) { f.write_arrays(out, file); });
}

}  // namespace nir::io
