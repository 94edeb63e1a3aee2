// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"
#include "nir/geom/shapes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nir::geom {

/// Place in a picture, as glTF has it: (0, 0) is the outer corner at the top left, (1, 1) that at the bottom right.
using Uv = std::array<float, 2>;

struct UvAtlasOptions {
    int side = 1024;                ///< of the square picture, texels
    int gutter = 3;                 ///< texels around every chart that belong to it
    double most_angle_rad = 0.873;  ///< between a face and the plane of its chart (50 degrees): stretch of at most 1.6
};

/// A mesh unfolded into a picture. Charts are connected faces seen along one direction, without overlap; vertices on
/// their borders appear once a chart.
struct UvAtlas {
    int side = 0;
    std::vector<std::uint32_t> vertex;  ///< of the mesh, one an atlas vertex
    std::vector<Uv> uv;                 ///< one an atlas vertex
    std::vector<Triangle> faces;        ///< atlas vertices; face i is face i of the mesh
    std::vector<std::uint32_t> chart;   ///< one a face
    std::size_t charts = 0;
    double texels_per_unit = 0;  ///< of the mesh's length
};

/// Groups of connected faces whose normals lie within `most_angle_rad` of the group's mean; small groups join larger
/// ones where 15 degrees more suffice. Vertices at the same place count as one. @return the group of each face,
/// numbered from 0 in order of the first face.
std::vector<std::uint32_t> group_by_normal(const TriMesh& mesh, double most_angle_rad);

/// Cuts the mesh into charts, lays them flat (orthographic projection along the mean normal) and packs them as large as
/// the picture allows. Deterministic.
/// @throws Error{input} if the mesh has no faces, a face names a vertex that is not there, a vertex in use is not
/// finite, or there are more charts than fit into the picture.
UvAtlas make_uv_atlas(const TriMesh& mesh, const UvAtlasOptions& options = {});

/// What a texel shows: a place on a face.
struct Texel {
    static constexpr std::uint32_t kNone = 0xffffffff;
    std::uint32_t face = kNone;
    float b1 = 0, b2 = 0;  ///< weights of the face's second and third corner
};
/// The face under each texel of the atlas, rows from the top: [side * side]. Texels within `reach` texels outside a
/// face take its nearest place, so that every face has one.
std::vector<Texel> texels_of(const UvAtlas& atlas, double reach = 1.5);

/// A mesh with its picture: vertices are those of the atlas.
struct TexturedMesh {
    TriMesh mesh;
    std::vector<Uv> uv;  ///< one a vertex
    Image8 texture;      ///< RGB, sRGB-encoded
};

/// The mesh with the atlas' vertices (normals, colours and confidence of the originals); the picture stays empty.
TexturedMesh unfolded(const TriMesh& mesh, const UvAtlas& atlas);

}  // namespace nir::geom
