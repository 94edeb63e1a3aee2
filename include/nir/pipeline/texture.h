// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace nir {
class PhaseTimer;
class Progress;
}  // namespace nir

namespace nir::pipeline {

struct TextureOptions {
    std::filesystem::path mesh;    ///< in the coordinates of the cameras
    std::filesystem::path photos;  ///< posed photos
    std::filesystem::path out;     ///< .glb: a picture on the mesh (unless vertex_colors); else colours of vertices
    std::string split = "train";   ///< which of them: all, train, val, test
    int hold_out = 0;              ///< where the scene has no test photos: every n-th is left out
    std::size_t most_photos = 0;   ///< evenly chosen; 0: all
    bool vertex_colors = false;
    double edge = -1;            ///< longest edge for colours of vertices; 0: as the mesh is, -1: a photo's pixel
    int side = 0;                ///< of the picture, texels; 0: two texels a pixel of the photos
    int rounds = 4;              ///< of sharpening
    bool exposure = false;       ///< photos get gains
    bool check = true;           ///< compares with the photos that are held out, if there are some
    std::filesystem::path look;  ///< folder for photo | drawn | difference of those; empty: none
};

struct TextureResult {
    std::size_t vertices = 0, faces = 0, photos = 0;
    std::size_t charts = 0, texels = 0, points = 0;  ///< points: that colours were taken for
    int side = 0;                                    ///< of the picture; 0: none
    double unseen = 0;                               ///< share of the points that no photo sees
    double sharpened = 0;
    std::string checked_with;    ///< "test", "train", …; empty: nothing
    std::size_t checked = 0;     ///< photos
    double psnr = 0, ssim = 0;   ///< means over them, protocol "nir": whole pictures on white
    double psnr_foreground = 0;  ///< of the pixels that are not transparent, mean over the photos
    std::string convention;
};

/// Gives a mesh the colours of posed photos (render/bake.h). Phases: "read", "bake", "render", "write".
/// @throws Error usage, input (no photo sees the mesh), format, io; cancelled.
TextureResult texture(const TextureOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
