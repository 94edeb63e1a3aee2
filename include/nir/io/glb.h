// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/uv_atlas.h"
#include "nir/io/geometry.h"

#include <filesystem>
#include <iosfwd>

namespace nir::io {

/// Writes binary glTF 2.0: triangles, or points if there are no faces, with normals and colours (sRGB bytes become
/// linear 16-bit values, as glTF asks). Where float would lose digits the centre of the box goes to the node's
/// translation. Coordinates keep their axes.
/// @throws Error input if a coordinate is not finite, or there is nothing to write.
void write_glb(std::ostream& out, const GeometryView& g);
void write_glb(const std::filesystem::path& path, const GeometryView& g);

/// The same with a picture on the mesh: TEXCOORD_0, the picture as embedded PNG, an unlit material
/// (KHR_materials_unlit: the photos' light is in the colours). Vertex colours are left out.
void write_glb(std::ostream& out, const geom::TexturedMesh& mesh);
void write_glb(const std::filesystem::path& path, const geom::TexturedMesh& mesh);

}  // namespace nir::io
