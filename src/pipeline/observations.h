// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/models/model.h"

#include <filesystem>
#include <vector>

namespace nir::pipeline {

/// The observations of a file for a model that takes this kind:
/// points  NPY [N,3] (one) or [B,N,3] (B of them), every other scan or mesh file (one);
/// voxels  NPY [X,Y,Z] or [B,X,Y,Z], binvox;
/// image   PNG or JPEG (grey becomes RGB, transparent pixels show white), NPY [3,H,W] or [B,3,H,W], floats in 0..1 or
/// bytes; index   NPY of whole numbers, one for each shape.
/// @throws nir::Error (usage) for the kind none; (input, format) with the file's name, saying what the model takes.
std::vector<models::Observation> read_observations(const std::filesystem::path& file, models::ObservationKind kind);

/// The same for a file with a single observation. @throws nir::Error (input) also if there are several.
models::Observation read_observation(const std::filesystem::path& file, models::ObservationKind kind);

}  // namespace nir::pipeline
