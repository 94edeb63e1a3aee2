// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/ply.h"

#include "io/binary.h"
#include "io/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace nir::io {
namespace {

std::string header_of(const GeometryView& g, const PlyWriteOptions& options, bool doubles) {
    std::string h = fmt::format("ply\nformat {} 1.0\n", options.ascii ? "ascii" : "binary_little_endian");
    for (std::string comment : options.comments) {
        std::replace_if(
            comment.begin(), comment.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
        h += "comment " + comment + "\n";
    }
    const auto properties = [&](std::string_view type, std::initializer_list<std::string_view> names) {
        for (const std::string_view name : names) h += fmt::format("property {} {}\n", type, name);
    };
    h += fmt::format("element vertex {}\n", g.points.size());
    properties(doubles ? "double" : "float", {"x", "y", "z"});
    if (!g.normals.empty()) properties("float", {"nx", "ny", "nz"});
    if (!g.colors.empty()) properties("uchar", {"red", "green", "blue"});
    if (!g.confidence.empty()) properties("float", {"confidence"});
    if (!g.sensors.empty()) properties("double", {"sensor_x", "sensor_y", "sensor_z"});
    if (!g.faces.empty()) h += fmt::format("element face {}\nproperty list uchar int vertex_indices\n", g.faces.size());
    return h + "end_header\n";
}

class BinaryRows {
public:
    explicit BinaryRows(ByteWriter& to) : to_(to) {}
    template <class T>
    void value(T v) {
        to_.put(v);
    }
    void end_row() {}

private:
    ByteWriter& to_;
};

class TextRows {
public:
    explicit TextRows(ByteWriter& to) : to_(to) {}
    template <class T>
    void value(T v) {
        fmt::format_to(std::back_inserter(row_), "{} ", v);
    }
    void end_row() {
        row_.data()[row_.size() - 1] = '\n';
        to_.put_bytes({row_.data(), row_.size()});
        row_.clear();
    }

private:
    ByteWriter& to_;
    fmt::memory_buffer row_;
};

template <class Rows>
void write_rows(Rows rows, const GeometryView& g, bool doubles) {
    for (std::size_t i = 0; i < g.points.size(); ++i) {
        for (int k = 0; k < 3; ++k) {
            if (doubles)
                rows.value(g.points[i][k]);
            else
                rows.value(static_cast<float>(g.points[i][k]));
        }
        for (int k = 0; !g.normals.empty() && k < 3; ++k) rows.value(g.normals[i][k]);
        if (!g.colors.empty()) rows.value(g.colors[i].r), rows.value(g.colors[i].g), rows.value(g.colors[i].b);
        if (!g.confidence.empty()) rows.value(g.confidence[i]);
        for (int k = 0; !g.sensors.empty() && k < 3; ++k) rows.value(g.sensors[i][k]);
        rows.end_row();
    }
    for (const geom::Triangle& t : g.faces) {
        rows.value(std::uint8_t{3});
        for (const std::uint32_t v : t) rows.value(static_cast<std::int32_t>(v));
        rows.end_row();
    }
}

}  // namespace

void write_ply(std::ostream& out, const GeometryView& g, const PlyWriteOptions& options) {
    check_columns(g);
    if (g.points.size() > 0x7fffffff) fail(ErrorKind::input, "{} vertices do not fit in a PLY file", g.points.size());
    const bool doubles = options.always_double || needs_double(g.points);
    ByteWriter to(out);
    to.put_bytes(header_of(g, options, doubles));
    if (options.ascii)
        write_rows(TextRows(to), g, doubles);
    else
        write_rows(BinaryRows(to), g, doubles);
    to.flush();
}

void write_ply(const std::filesystem::path& path, const GeometryView& g, const PlyWriteOptions& options) {
    write_path(path, [&](std::ostream& out) { write_ply(out, g, options); });
}

}  // namespace nir::io
