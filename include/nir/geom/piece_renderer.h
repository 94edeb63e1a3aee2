// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/rasterizer.h"

#include <cstddef>
#include <memory>
#include <span>

namespace nir::geom {

/// render_mesh() for a mesh that comes in pieces: what is kept is the picture and the depths that each light sees. The
/// same picture, if the pieces come in the order of the faces and have normals.
class PieceRenderer {
public:
    /// @param box of all vertices in use  @param faces  in all: large meshes get fewer lights
    PieceRenderer(const Box3d& box, std::size_t faces, const ViewCamera& camera, const RenderOptions& options = {});
    ~PieceRenderer();
    /// @throws Error{input} on broken or non-finite coordinates.
    void add(const TriMesh& piece);
    Image8 finish();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The camera of preview() that shows all of these places. @param box of the scene: says what is up
ViewCamera preview_camera(std::span<const Vec3d> seen, const Box3d& box, const RenderOptions& options = {});
/// The panels of preview() when the mesh has been drawn already.
/// @param shown  points that are drawn, some of the scan's `points`
Image8 preview_panels(const PointCloud& shown, std::size_t points, Image8 mesh, std::size_t faces,
                      const ViewCamera& camera, const RenderOptions& options = {});

}  // namespace nir::geom
