// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Points, meshes and voxel grids kept in NPY and NPZ files.
#include "nir/base/error.h"
#include "nir/io/formats.h"

#include "io/colors.h"
#include "io/text.h"

#include <limits>

namespace nir::io {
namespace {

using geom::Vec3d;
using geom::Vec3f;

// [N,3], or [1,N,3] (a batch of one).
bool is_rows_of(const NamedArray& a, std::int64_t columns) {
    const std::size_t d = a.shape.size();
    return (d == 2 || (d == 3 && a.shape[0] == 1)) && a.shape[d - 1] == columns;
}

const NamedArray* points_of(const TensorFile& file) {
    if (file.arrays.size() == 1) return &file.arrays[0];
    for (const std::string_view name : {"points", "vertices"}) {
        if (const NamedArray* a = file.find(name)) return a;
    }
    return nullptr;
}

// A column of three numbers a point, or null if the file has none of that name.
const NamedArray* column(const TensorFile& file, std::string_view name, std::size_t n) {
    const NamedArray* a = file.find(name);
    if (a && (!is_rows_of(*a, 3) || a->count() != 3 * n)) {
        fail(ErrorKind::input, "array {} has shape {}, but there are {} points", in_quotes(name), a->shape_text(), n);
    }
    return a;
}

template <class V, class T>
std::vector<V> to_rows(const std::vector<T>& values, std::size_t first = 0, std::size_t stride = 3) {
    std::vector<V> rows;
    rows.reserve(values.size() / stride);
    for (std::size_t i = first; i + 2 < values.size(); i += stride)
        rows.push_back({values[i], values[i + 1], values[i + 2]});
    return rows;
}

std::vector<geom::Triangle> to_faces(const NamedArray& a, std::size_t n_points) {
    if (!is_rows_of(a, 3))
        fail(ErrorKind::input, "array {} has shape {}; [N, 3] is needed", in_quotes(a.name), a.shape_text());
    const std::vector<std::int64_t> v = a.to_int64();
    std::vector<geom::Triangle> faces(v.size() / 3);
    for (std::size_t i = 0; i < v.size(); ++i) {
        if (v[i] < 0 || static_cast<std::uint64_t>(v[i]) >= n_points) {
            fail(ErrorKind::format, "array {}, row {}: vertex {} of {}", in_quotes(a.name), i / 3, v[i], n_points);
        }
        faces[i / 3][i % 3] = static_cast<std::uint32_t>(v[i]);
    }
    return faces;
}

template <class T, class V>
std::vector<T> flat(std::span<const V> rows) {
    std::vector<T> out;
    out.reserve(3 * rows.size());
    for (const V& v : rows) out.insert(out.end(), {v.x, v.y, v.z});
    return out;
}

}  // namespace

Geometry to_geometry(const TensorFile& file) {
    const NamedArray* points = points_of(file);
    if (!points) file.at("points");
    const bool with_normals = is_rows_of(*points, 6);
    if (!is_rows_of(*points, 3) && !with_normals) {
        fail(ErrorKind::input, "array {} has shape {}; points are [N, 3], or [N, 6] with normals",
             in_quotes(points->name), points->shape_text());
    }
    Geometry g;
    g.encoding = name_of(points->dtype);
    const std::size_t n = points->count() / (with_normals ? 6 : 3);
    if (n >= std::numeric_limits<std::uint32_t>::max()) fail(ErrorKind::input, "{} points are too many", n);
    g.points = to_rows<Vec3d>(points->to_double(), 0, with_normals ? 6 : 3);
    if (with_normals) g.normals = to_rows<Vec3f>(points->to_float(), 3, 6);
    if (const NamedArray* a = column(file, "normals", n)) g.normals = to_rows<Vec3f>(a->to_float());
    if (const NamedArray* a = column(file, "sensors", n)) g.sensors = to_rows<Vec3d>(a->to_double());
    if (const NamedArray* a = column(file, "colors", n)) g.colors = to_rgb8(to_rows<Vec3f>(a->to_float()));
    if (const NamedArray* a = file.find("confidence")) {
        if (a->count() != n)
            fail(ErrorKind::input, "array \"confidence\" has shape {}, but there are {} points", a->shape_text(), n);
        g.confidence = a->to_float();
    }
    if (const NamedArray* a = file.find("faces")) g.faces = to_faces(*a, n), g.polygons = g.faces.size();
    for (const NamedArray& a : file.arrays) {
        constexpr std::string_view known[] = {"normals", "sensors", "colors", "confidence", "faces"};
        if (&a != points && std::find(std::begin(known), std::end(known), a.name) == std::end(known))
            g.ignored.push_back("array " + a.name);
    }
    return g;
}

geom::VoxelGrid to_voxel_grid(const TensorFile& file) {
    const NamedArray* found = nullptr;
    for (const NamedArray& a : file.arrays) {
        if (a.shape.size() != 3) continue;
        if (found)
            fail(ErrorKind::input, "arrays {} and {} both have three dimensions; a file with one is needed",
                 in_quotes(found->name), in_quotes(a.name));
        found = &a;
    }
    if (!found) {
        const std::string shape =
            file.arrays.size() == 1 ? file.arrays[0].shape_text() : fmt::format("{} arrays", file.arrays.size());
        fail(ErrorKind::input, "no voxel grid: an array of shape [X, Y, Z] is needed, found {}", shape);
    }
    for (const std::int64_t d : found->shape) {
        if (d < 1 || d > 65536) fail(ErrorKind::input, "a voxel grid of shape {}", found->shape_text());
    }
    geom::VoxelGrid grid;
    grid.size = {static_cast<std::int32_t>(found->shape[0]), static_cast<std::int32_t>(found->shape[1]),
                 static_cast<std::int32_t>(found->shape[2])};
    grid.values = found->to_float();
    return grid;
}

TensorFile to_arrays(const GeometryView& g) {
    check_columns(g);
    const auto n = static_cast<std::int64_t>(g.points.size());
    TensorFile file;
    const bool is_mesh = !g.faces.empty();
    const std::string name = is_mesh ? "vertices" : "points";
    if (needs_double(g.points)) {
        file.arrays.push_back(NamedArray::from(name, {n, 3}, flat<double>(g.points)));
    } else {
        std::vector<float> values;
        values.reserve(3 * g.points.size());
        for (const Vec3d& p : g.points)
            for (int k = 0; k < 3; ++k) values.push_back(static_cast<float>(p[k]));
        file.arrays.push_back(NamedArray::from(name, {n, 3}, values));
    }
    if (!g.normals.empty()) file.arrays.push_back(NamedArray::from("normals", {n, 3}, flat<float>(g.normals)));
    if (!g.sensors.empty()) file.arrays.push_back(NamedArray::from("sensors", {n, 3}, flat<double>(g.sensors)));
    if (!g.confidence.empty()) file.arrays.push_back(NamedArray::from("confidence", {n}, g.confidence));
    if (!g.colors.empty()) {
        std::vector<std::uint8_t> values;
        for (const geom::Rgb8& c : g.colors) values.insert(values.end(), {c.r, c.g, c.b});
        file.arrays.push_back(NamedArray::from("colors", {n, 3}, values));
    }
    if (is_mesh) {
        std::vector<std::uint32_t> values;
        for (const geom::Triangle& t : g.faces) values.insert(values.end(), t.begin(), t.end());
        file.arrays.push_back(NamedArray::from("faces", {static_cast<std::int64_t>(g.faces.size()), 3}, values));
    }
    return file;
}

}  // namespace nir::io
