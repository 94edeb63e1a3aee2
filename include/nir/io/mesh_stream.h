// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/shapes.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <span>

namespace nir::io {

/// Whether coordinates that come one after the other need doubles: needs_double() without the list.
class CoordinateCheck {
public:
    void add(geom::Vec3d point);
    bool needs_double() const;

private:
    geom::Box3d box_;
    double loss_ = 0;
};

/// What a mesh that is written piece by piece will hold: known before its first byte.
struct MeshOutline {
    std::uint64_t vertices = 0, faces = 0;
    bool normals = false, colors = false, confidence = false;
    bool doubles = false;  ///< CoordinateCheck over all vertices
};

/// A mesh file that is written while the mesh is made; the bytes are those of write_geometry() for the whole mesh.
/// All vertices come first, in their order and in blocks of any size, vertex_passes() times over; then the faces.
class MeshStream {
public:
    virtual ~MeshStream() = default;
    virtual int vertex_passes() const = 0;
    /// The next vertices, with the columns that the outline names.
    virtual void vertices(const geom::TriMesh& block) = 0;
    virtual void faces(std::span<const geom::Triangle> block) = 0;
    /// Must be called at the end. @throws Error internal if something is missing; io.
    virtual void finish() = 0;
};

/// True for endings of formats that can be written so: PLY and OBJ.
bool can_stream_mesh(const std::filesystem::path& path);
/// @param path  for its ending; the bytes go to `out`
/// @throws Error usage for another format, input for more vertices than the format holds.
std::unique_ptr<MeshStream> stream_mesh(std::ostream& out, const std::filesystem::path& path,
                                        const MeshOutline& outline);

}  // namespace nir::io
