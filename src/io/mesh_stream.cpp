// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/mesh_stream.h"

#include "nir/base/error.h"
#include "nir/io/formats.h"

#include "io/binary.h"
#include "io/float_loss.h"
#include "io/mesh_rows.h"

#include <algorithm>

namespace nir::io {

using geom::TriMesh;
using geom::Vec3d;

void CoordinateCheck::add(Vec3d p) {
    if (!geom::is_finite(p)) return;
    box_.extend(p);
    loss_ = std::max({loss_, float_loss(p.x), float_loss(p.y), float_loss(p.z)});
}

bool CoordinateCheck::needs_double() const { return !box_.empty() && loss_ > 1e-7 * box_.longest_side(); }

namespace {

/// Counts what comes, and checks that it has the columns that were promised.
class CountedStream : public MeshStream {
public:
    explicit CountedStream(const MeshOutline& outline) : outline_(outline) {}

    void vertices(const TriMesh& block) final {
        const std::size_t n = block.vertices.size();
        if (n == 0) return;
        const auto fits = [n](const auto& column, bool promised) { return column.size() == (promised ? n : 0); };
        NIR_CHECK(fits(block.normals, outline_.normals) && fits(block.colors, outline_.colors));
        NIR_CHECK(fits(block.confidence, outline_.confidence) && faces_ == 0);
        const std::uint64_t before = vertices_ % outline_.vertices;
        NIR_CHECK(before + n <= outline_.vertices);
        put_vertices(block, static_cast<int>(vertices_ / outline_.vertices));
        vertices_ += n;
    }
    void faces(std::span<const geom::Triangle> block) final {
        NIR_CHECK(vertices_ == outline_.vertices * static_cast<std::uint64_t>(vertex_passes()));
        put_faces(block);
        faces_ += block.size();
    }
    void finish() final {
        NIR_CHECK(vertices_ == outline_.vertices * static_cast<std::uint64_t>(vertex_passes()));
        NIR_CHECK(faces_ == outline_.faces);
        flush();
    }

protected:
    virtual void put_vertices(const TriMesh& block, int pass) = 0;
    virtual void put_faces(std::span<const geom::Triangle> block) = 0;
    virtual void flush() = 0;

    const MeshOutline outline_;

private:
    std::uint64_t vertices_ = 0, faces_ = 0;
};

class PlyStream final : public CountedStream {
public:
    PlyStream(std::ostream& out, const MeshOutline& outline) : CountedStream(outline), to_(out) {
        if (outline.vertices > 0x7fffffff)
            fail(ErrorKind::input, "{} vertices do not fit in a PLY file", outline.vertices);
        to_.put_bytes(ply::header({.vertices = outline.vertices,
                                   .faces = outline.faces,
                                   .doubles = outline.doubles,
                                   .normals = outline.normals,
                                   .colors = outline.colors,
                                   .confidence = outline.confidence}));
    }
    int vertex_passes() const override { return 1; }

private:
    void put_vertices(const TriMesh& block, int) override {
        ply::vertex_rows(ply::BinaryRows(to_), block, outline_.doubles);
    }
    void put_faces(std::span<const geom::Triangle> block) override { ply::face_rows(ply::BinaryRows(to_), block); }
    void flush() override { to_.flush(); }

    ByteWriter to_;
};

/// Positions first, then, in a second pass, normals.
class ObjStream final : public CountedStream {
public:
    ObjStream(std::ostream& out, const MeshOutline& outline) : CountedStream(outline), to_(out) {}
    int vertex_passes() const override { return outline_.normals ? 2 : 1; }

private:
    void put_vertices(const TriMesh& block, int pass) override {
        if (pass == 0)
            obj::position_lines(to_, block);
        else
            obj::normal_lines(to_, block.normals);
    }
    void put_faces(std::span<const geom::Triangle> block) override { obj::face_lines(to_, block, outline_.normals); }
    void flush() override { to_.flush(); }

    ByteWriter to_;
};

}  // namespace

bool can_stream_mesh(const std::filesystem::path& path) {
    const Format* format = format_of_ending(path);
    return format && (format->name == "PLY" || format->name == "OBJ");
}

std::unique_ptr<MeshStream> stream_mesh(std::ostream& out, const std::filesystem::path& path,
                                        const MeshOutline& outline) {
    const Format* format = format_of_ending(path);
    if (format && format->name == "PLY") return std::make_unique<PlyStream>(out, outline);
    if (format && format->name == "OBJ") return std::make_unique<ObjStream>(out, outline);
    fail(ErrorKind::usage, "{}: only PLY and OBJ can be written piece by piece", path.string());
}

}  // namespace nir::io
