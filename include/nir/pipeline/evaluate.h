// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/geom/evaluation.h"

#include <filesystem>
#include <vector>

namespace nir::pipeline {

struct EvaluateOptions {
    std::filesystem::path prediction;  ///< a mesh, a cloud, a binvox grid, or a folder of them
    std::filesystem::path truth;       ///< the same; a folder of predictions may also be held against one truth
    geom::EvaluationOptions evaluation;
};

struct EvaluatedPair {
    std::filesystem::path prediction;  ///< empty: there is no file for this truth, which counts as an empty prediction
    std::filesystem::path truth;
    geom::Evaluation evaluation;
};

struct EvaluateResult {
    bool folders = false;
    std::vector<EvaluatedPair> pairs;              ///< by name of the truth, then of the prediction
    geom::Evaluation mean;                         ///< over all pairs
    std::vector<std::filesystem::path> unmatched;  ///< predictions without a truth, left out
};

/// Compares predictions with truths. In folders a prediction belongs to the truth whose stem is its own (`bunny.obj` to
/// `bunny.ply`) or the longest that it continues after `.`, `_` or `-` (`bunny.a.ply`, `bunny_v2.ply`). Files of kinds
/// that hold no geometry are passed over. Phases: read, measure.
/// @throws Error usage, input, format; cancelled if the progress says so.
EvaluateResult evaluate(const EvaluateOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
