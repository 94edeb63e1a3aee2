// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Surface light fields for users: photos under lamps and a mesh in; pictures under any light out
// (docs/methods/light_fields.md).
#pragma once

#include "nir/geom/camera.h"
#include "nir/geom/shapes.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nir {
class PhaseTimer;
class Progress;
}  // namespace nir

namespace nir::pipeline {

struct TrainLightOptions {
    std::filesystem::path input;           ///< TOML file with [model] name = "light_field"
    std::vector<std::string> overrides{};  ///< "a.b=1", laid over the file
    std::filesystem::path out;             ///< run folder
    bool resume = false, force = false;
    std::optional<std::int64_t> steps;
    std::optional<double> time_s;
    std::optional<std::uint64_t> seed;
};

struct TrainLightResult {
    std::int64_t steps = 0;
    double seconds = 0, processor_seconds = 0;  ///< in all sessions; of this one
    double loss = 0;                            ///< mean of the last stretch
    double psnr = 0;                            ///< of the trained pixels of that stretch, dB
    std::size_t samples = 0;
    std::filesystem::path model;
};

/// True if the configuration is that of a light field.
bool is_light_training(const std::filesystem::path& input);
/// Trains a light field into a run folder. Same photos, configuration, seed and number of steps: the same bytes.
/// @throws nir::Error: config, usage, input, format, numeric, io; cancelled after saving.
TrainLightResult train_light(const TrainLightOptions& options, Progress& progress);

/// The model file that `path` names if it is a light field: the file itself, or model.safetensors of a run folder.
std::optional<std::filesystem::path> light_model_file(const std::filesystem::path& path);

struct RenderLightOptions {
    std::filesystem::path model;
    std::filesystem::path out;  ///< .png (several: NAME_000 and on), .mp4, or a folder
    std::filesystem::path
        lights;  ///< lights.json (docs/methods/light_fields.md); empty: the first lamp of the training
    std::optional<std::pair<int, int>> size;
    std::optional<double> fov_rad;
    std::filesystem::path
        cameras;  ///< of a scene; empty: a circle around the mesh from where the first photo was taken
    std::string split = "all";
    std::optional<geom::Vec3d> eye, look_at, up;
    int views = 1;
    int rays = 3;  ///< a side of a pixel
    std::optional<geom::Rgb8> background = geom::Rgb8{255, 255, 255};
    bool video = false;
    double fps = 0;  ///< 0: of the lights, or 30
};

struct RenderLightResult {
    std::vector<std::filesystem::path> files;
    int frames = 0, width = 0, height = 0;
    double seconds_per_frame = 0;
};
/// Pictures under given lights. Where lights move, picture i is of their moment i and the views are gone through at the
/// same pace. Phases: "read", "render", "write". @throws Error usage, input, format, io; cancelled.
RenderLightResult render_light(const RenderLightOptions& options, Progress& progress, PhaseTimer& timer);

struct EvaluateLightOptions {
    std::filesystem::path model, scene;
    std::string split = "all";
    std::size_t views = 0;           ///< at most so many; 0: all
    std::filesystem::path pictures;  ///< folder for photo | drawn | difference; empty: none
};

struct EvaluateLightResult {
    std::string scene, convention;
    struct View {
        std::string name;
        double psnr = 0;
    };
    std::vector<View> views;
    double psnr = 0, ssim = 0, psnr_foreground = 0, seconds_per_view = 0;
};
/// Draws the photos of a scene under their lamps and compares. Phases as above and "measure".
EvaluateLightResult evaluate_light(const EvaluateLightOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
