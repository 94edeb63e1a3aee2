// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"
#include "nir/geom/shapes.h"

#include <span>
#include <string>
#include <vector>

namespace nir::geom {

/// Perspective view for previews, user frame: looks from eye to target.
struct ViewCamera {
    Vec3d eye{0, 0, 1}, target{}, up{0, 1, 0};
    double fov_y_rad = 0.5;
};

/// The axis that points to the sky: z for flat scenes (rooms, terrain: z extent below 0.6 of both others), else y.
Vec3d guess_up(const Box3d& box);

/// A three-quarter view that shows all points (the whole box) as large as a free sixth of the picture allows.
/// @param azimuth_rad turn around `up` from the front (y up: +z, z up: -y); @param elevation_rad above the horizon.
/// @param aspect width / height of the picture. @throws Error{internal} if there is no point.
ViewCamera frame_view(std::span<const Vec3d> points, double aspect = 1.0, Vec3d up = {0, 1, 0},
                      double azimuth_rad = 0.6, double elevation_rad = 0.38);
ViewCamera frame_view(const Box3d& box, double aspect = 1.0, Vec3d up = {0, 1, 0}, double azimuth_rad = 0.6,
                      double elevation_rad = 0.38);

struct RenderOptions {
    int width = 640, height = 640;
    int supersampling = 2;  ///< rays a side of a pixel, 1..4
    Rgb8 background_top{250, 250, 252}, background_bottom{222, 226, 233};
    Rgb8 surface{214, 206, 196};  ///< of meshes without colours
    Rgb8 back_side{186, 92, 74};  ///< of faces seen from inside: turned and missing faces stand out
    bool use_colors = true;       ///< the shape's own colours where it has some
    bool flat = false;            ///< facets instead of interpolated normals
    double crease_cos = 0.8;      ///< corners whose face turns away farther from the vertex normal stay sharp
    double point_radius = 0.0;    ///< user units; 0: from the point spacing
    bool ground_shadow = true;    ///< on a plane below the shape, across the camera's up
    double azimuth_rad = 0.6, elevation_rad = 0.38;  ///< view of preview(), see frame_view
    int lights = 80;  ///< shadow maps for soft light and ambient occlusion; 0: no shadows at all
};

/// Software rendering of a mesh: z-buffer, soft shadows and ambient occlusion from many shadow maps, 8-bit RGB.
/// Deterministic irrespective of threads. Faces that reach behind the eye are left out. An empty mesh gives the bare
/// background.
/// @throws Error{internal} on an unusable size or camera, Error{input} on broken or non-finite coordinates.
Image8 render_mesh(const TriMesh& mesh, const ViewCamera& camera, const RenderOptions& options = {});

/// Points as small shaded balls in their own colours, or in a scale from far (blue) to near (orange).
Image8 render_points(const PointCloud& cloud, const ViewCamera& camera, const RenderOptions& options = {});

/// A picture with a caption.
struct Panel {
    Image8 image;
    std::string label;
};
/// Panels of equal height side by side with their captions below the picture's upper edge.
/// @throws Error{internal} if there is no panel, heights differ, or a panel is not RGB.
Image8 compose_panels(std::span<const Panel> panels);

/// Scan to the left, mesh to the right, one camera for both, captions "scan 3,000 points" and "mesh 41,000 faces".
/// An empty mesh is drawn as an empty panel with the caption "no mesh".
/// @param options width and height of one panel.
Image8 preview(const PointCloud& scan, const TriMesh& mesh, const RenderOptions& options = {});

}  // namespace nir::geom
