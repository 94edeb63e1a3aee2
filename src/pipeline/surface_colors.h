// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// A mesh below a model that predicts colours of surfaces (models/surface_colors.h).
#pragma once

#include "nir/geom/shapes.h"
#include "nir/models/model.h"
#include "nir/models/surface_colors.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace nir::pipeline {

/// A mesh with the colours that a model predicts for it.
struct ColoredSurface {
    geom::TriMesh mesh;  ///< in its own coordinates
    geom::Frame frame;   ///< those from the model's
    std::unique_ptr<models::Model> model;
    models::SurfaceColorModel* colorer = nullptr;  ///< the same
    std::unique_ptr<models::SurfaceColors> colors;

    std::vector<geom::Vec3f> in_frame(std::span<const geom::Vec3d> points) const;
};

/// True if the file holds such a model.
bool is_surface_color_model(const std::filesystem::path& file);
/// Reads model, mesh and picture and shows the model both. @throws Error usage (another model), input, format.
ColoredSurface look_at_surface(const std::filesystem::path& model, const std::filesystem::path& mesh,
                               const std::filesystem::path& picture, std::uint64_t seed);

}  // namespace nir::pipeline
