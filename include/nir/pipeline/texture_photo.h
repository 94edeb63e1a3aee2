// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace nir {
class PhaseTimer;
}  // namespace nir

namespace nir::pipeline {

struct TexturePhotoOptions {
    std::filesystem::path mesh, photo, model;
    std::filesystem::path out;  ///< colours of vertices
    double edge = -1;           ///< edges longer than this are split; 0 = none, -1 = a 96th of the longest side
    std::uint64_t seed = 0;     ///< of the points of the mesh that the model is shown
};

struct TexturePhotoResult {
    std::size_t vertices = 0, faces = 0;
};

/// Gives a mesh the colours that a texture field predicts from one picture of it (any pose). Phases: "read", "bake",
/// "write". @throws Error usage (another model, one with lamps), input, format, io.
TexturePhotoResult texture_photo(const TexturePhotoOptions& options, PhaseTimer& timer);

}  // namespace nir::pipeline
