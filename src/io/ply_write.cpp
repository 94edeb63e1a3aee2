// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/ply.h"

#include "io/binary.h"
#include "io/mesh_rows.h"
#include "io/output.h"

#include <fmt/format.h>

#include <algorithm>

namespace nir::io {

std::string ply::header(const Outline& o) {
    std::string h = fmt::format("ply\nformat {} 1.0\n", o.ascii ? "ascii" : "binary_little_endian");
    for (std::string comment : o.comments) {
        std::replace_if(
            comment.begin(), comment.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
        h += "comment " + comment + "\n";
    }
    const auto properties = [&](std::string_view type, std::initializer_list<std::string_view> names) {
        for (const std::string_view name : names) h += fmt::format("property {} {}\n", type, name);
    };
    h += fmt::format("element vertex {}\n", o.vertices);
    properties(o.doubles ? "double" : "float", {"x", "y", "z"});
    if (o.normals) properties("float", {"nx", "ny", "nz"});
    if (o.colors) properties("uchar", {"red", "green", "blue"});
    if (o.confidence) properties("float", {"confidence"});
    if (o.sensors) properties("double", {"sensor_x", "sensor_y", "sensor_z"});
    if (o.faces > 0) h += fmt::format("element face {}\nproperty list uchar int vertex_indices\n", o.faces);
    return h + "end_header\n";
}

void write_ply(std::ostream& out, const GeometryView& g, const PlyWriteOptions& options) {
    check_columns(g);
    if (g.points.size() > 0x7fffffff) fail(ErrorKind::input, "{} vertices do not fit in a PLY file", g.points.size());
    const bool doubles = options.always_double || needs_double(g.points);
    ByteWriter to(out);
    to.put_bytes(ply::header({.vertices = g.points.size(),
                              .faces = g.faces.size(),
                              .ascii = options.ascii,
                              .doubles = doubles,
                              .normals = !g.normals.empty(),
                              .colors = !g.colors.empty(),
                              .confidence = !g.confidence.empty(),
                              .sensors = !g.sensors.empty(),
                              .comments = options.comments}));
    const auto rows = [&](auto&& how) {
        ply::vertex_rows(how, g, doubles);
        ply::face_rows(how, g.faces);
    };
    if (options.ascii)
        rows(ply::TextRows(to));
    else
        rows(ply::BinaryRows(to));
    to.flush();
}

void write_ply(const std::filesystem::path& path, const GeometryView& g, const PlyWriteOptions& options) {
    write_path(path, [&](std::ostream& out) { write_ply(out, g, options); });
}

}  // namespace nir::io
