// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Header and rows of PLY, lines of OBJ: for writers that have the whole mesh and for those that have a piece of it.
#pragma once

#include "nir/io/geometry.h"

#include "io/binary.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace nir::io {
namespace ply {

struct Outline {
    std::uint64_t vertices = 0, faces = 0;
    bool ascii = false, doubles = false, normals = false, colors = false, confidence = false, sensors = false;
    std::vector<std::string> comments{};
};
std::string header(const Outline& outline);

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
void vertex_rows(Rows&& rows, const GeometryView& g, bool doubles) {
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
}

template <class Rows>
void face_rows(Rows&& rows, std::span<const geom::Triangle> faces) {
    for (const geom::Triangle& t : faces) {
        rows.value(std::uint8_t{3});
        for (const std::uint32_t v : t) rows.value(static_cast<std::int32_t>(v));
        rows.end_row();
    }
}

}  // namespace ply

namespace obj {

void position_lines(ByteWriter& to, const GeometryView& g);
void normal_lines(ByteWriter& to, std::span<const geom::Vec3f> normals);
void face_lines(ByteWriter& to, std::span<const geom::Triangle> faces, bool normals);

}  // namespace obj
}  // namespace nir::io
