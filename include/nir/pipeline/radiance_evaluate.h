// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace nir {
class PhaseTimer;
class Progress;
}  // namespace nir

namespace nir::pipeline {

/// How pictures are compared, by name.
struct ImageProtocol {
    const char* name;
    const char* summary;
    bool black = false;      ///< behind transparent pixels: black instead of white
    bool linear = false;     ///< photos are laid over it in linear light
    bool luminance = false;  ///< SSIM of instant-ngp's script
    int side = 0;            ///< pictures that its published figures are of; 0: any
    int hold_out = 0;        ///< views that it leaves out of the training: every n-th; 0: those of the scene
};
std::span<const ImageProtocol> image_protocols();

struct EvaluateRadianceOptions {
    std::filesystem::path model;
    std::filesystem::path scene;  ///< empty: the photos that it was trained with
    std::string split = "test";   ///< test, val or train
    std::string protocol = "nir";
    std::size_t views = 0;           ///< at most so many, evenly chosen; 0: all
    std::filesystem::path pictures;  ///< folder for photo | rendering | difference; empty: none
};

struct EvaluatedView {
    std::string name;
    double psnr = 0, ssim = 0, seconds = 0;
};

struct EvaluateRadianceResult {
    std::string scene, split, psnr_convention, ssim_convention;
    std::vector<EvaluatedView> views;
    double psnr = 0, ssim = 0, seconds_per_view = 0;  ///< means over the views
    std::vector<std::string> notes;                   ///< why the figures may not be compared with published ones
};

/// Renders the views of a scene and compares them with its photos. Phases: "read", "render", "measure", "write".
/// @throws Error usage, input, format, io; cancelled.
EvaluateRadianceResult evaluate_radiance(const EvaluateRadianceOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
