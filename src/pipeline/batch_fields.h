// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/extract/scalar_field.h"
#include "nir/models/model.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace nir::pipeline {

/// A field that came from a file, with what it needs to live.
struct OpenField {
    std::shared_ptr<void> owner;  ///< the model, if the field refers to it
    std::unique_ptr<extract::ScalarField> field;
    bool logits = false;  ///< values are log odds of "inside"; false: whatever the volume holds
    std::string kind;     ///< "model conv_onet", "volume"
};

/// Opens FIELD of the verb query, for one observation or a batch of them (open_field() takes one file): a model file, a
/// run folder (its best, else its latest model) or a volume (NPY [X,Y,Z], binvox). A conditional model makes one field
/// for each observation of `input` (see observations.h), an unconditional one the shape of its mean code; a volume
/// gives one and takes none. Observations are taken as they are, in the model's own frame.
/// @param input  empty = none.
/// @throws nir::Error (usage) if observations are missing or not wanted; (input, format) naming the file.
std::vector<OpenField> open_fields(const std::filesystem::path& field, const std::filesystem::path& input,
                                   Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
