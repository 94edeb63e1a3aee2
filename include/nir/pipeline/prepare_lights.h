// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/lighting.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace nir {
class PhaseTimer;
class Progress;
}  // namespace nir

namespace nir::pipeline {

struct PrepareLightsOptions {
    std::filesystem::path mesh;  ///< colours of its vertices are the base colours, if it has some
    std::filesystem::path out;   ///< folder
    int views = 24, lights = 8;  ///< of the training: every view under every lamp
    int test_views = 6, test_lights = 4;
    int size = 200;  ///< side of the pictures, pixels
    int rays = 3;    ///< a side of a pixel
    render::Material material{};
    float ambient = 0.06f;
    double lamp_radius = 0.1;  ///< relative to half the mesh's longest side
    std::uint64_t seed = 0;
    bool force = false;
};

struct PrepareLightsResult {
    std::size_t train = 0, test_view = 0, test_light = 0, test_both = 0;  ///< pictures
};

/// Pictures of one mesh under moving lamps: train/vVVV_lLLL.png (RGBA), transforms_{train,test_view,test_light,
/// test_both}.json with "light" in every frame, mesh.ply and scene.json. The mesh is moved to the middle and scaled to
/// a half side of 1; cameras stand at distance 4 (spiral over the ball), lamps at distance 3 on the upper half.
/// Shading: Lambert and GGX with traced soft shadows, no light from one place to another. Tests have their own views
/// and lamps. @throws Error usage (a folder that holds something), input, io; cancelled.
PrepareLightsResult prepare_lights(const PrepareLightsOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
