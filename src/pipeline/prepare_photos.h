// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/rng.h"
#include "nir/geom/camera.h"
#include "nir/geom/image.h"
#include "nir/geom/shapes.h"
#include "nir/render/lighting.h"

#include <filesystem>
#include <vector>

namespace nir::pipeline {

/// A posed photo of a mesh in the unit cube, with what is known of its pixels.
struct PreparedPhoto {
    geom::Camera camera;
    geom::Pose pose;
    geom::Image8 rgb;          ///< white behind the object
    geom::Image8 mask;         ///< 255: the object
    geom::Image8 normals;      ///< 255 (n + 1) / 2 of the middle of the pixel; 0 where it shows nothing
    std::vector<float> depth;  ///< along the camera's axis, infinite where the middle of the pixel shows nothing
    geom::Image8 shadow;       ///< 255: all of the lamp is seen from there; only under a lamp
    render::LightSource lamp;
};

/// Photos from all sides, in the colours of the mesh (grey without), below one fixed sun without cast shadows; or, if
/// `lit`, each below a lamp of its own on the upper half, with shadows and a soft gloss.
std::vector<PreparedPhoto> take_photos(const geom::TriMesh& unit, int count, int side, bool lit, Rng& rng);

/// image/, mask/, depth/ (EXR), normal/ and cameras.npz as differentiable volumetric rendering reads them; below lamps
/// also shadow/ and lights.npz (docs/formats/datasets.md). The cube of side 1 around 0 is the world.
void write_photos(const std::filesystem::path& folder, const std::vector<PreparedPhoto>& photos, bool lit);

}  // namespace nir::pipeline
