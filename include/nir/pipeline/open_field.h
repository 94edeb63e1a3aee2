// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/extract/scalar_field.h"
#include "nir/geom/shapes.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace nir::pipeline {

/// What FIELD of `extract`, `query` and `render` names: a field, a volume, or what a model without a field makes.
struct FieldSource {
    std::string kind;                             ///< "volume", or the name of the model
    std::unique_ptr<extract::ScalarField> field;  ///< of a model; the volume's by as_field()
    std::optional<geom::VoxelGrid> volume;        ///< of a file, or the cells of a model: then probabilities
    std::optional<geom::PointCloud> cloud;        ///< of a model that makes points
    std::optional<geom::TriMesh> mesh;            ///< of a model that makes a mesh
    std::optional<geom::Frame> frame;             ///< where the field lies in the world, if the model file knows
    bool is_probability = false;                  ///< levels are probabilities; the values of a field are their logits

    /// The field of a model, or the trilinear field of the volume (moved out of `volume`).
    extract::ScalarField& as_field(float iso);
};

struct OpenFieldOptions {
    std::filesystem::path field;                 ///< model (.safetensors), run folder, or volume (NPY, NPZ, binvox)
    std::optional<std::filesystem::path> input;  ///< observation for a conditional model
    std::optional<std::uint64_t>
        seed;  ///< draws the latent code of a generative model; none = its mean. Others ignore it
    std::optional<geom::Vec3d> origin, spacing;  ///< of a volume whose file does not say, or otherwise than it says
    bool best = true;  ///< of a run folder: the best weights if there are some, else the latest
};

/// The model file that FIELD names, if it names one: itself, or the weights of a run folder.
/// @throws Error(input) for a folder that is no run.
std::optional<std::filesystem::path> model_file_of(const OpenFieldOptions& options);

/// Opens a field: reads a volume, or loads a model and shows it the observation (phases "read" and "encode").
/// @throws Error(usage) for an observation that is missing or not wanted, Error(input, format) for files that cannot be
/// read.
FieldSource open_field(const OpenFieldOptions& options, Progress& progress, PhaseTimer& timer);

/// ln(p / (1 - p)). @throws Error(usage) unless p lies in (0, 1).
double logit_of_level(double probability);

}  // namespace nir::pipeline
