// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/phase_timer.h"
#include "nir/base/progress.h"
#include "nir/io/array.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace nir::pipeline {

enum class QueryOutput : std::uint8_t { logit, probability, gradient };

struct QueryOptions {
    std::filesystem::path field;   ///< model, run folder or volume
    std::filesystem::path input;   ///< observation of a conditional model; empty = none
    std::filesystem::path points;  ///< NPY [T,3], or [B,T,3] for B observations
    std::filesystem::path out;     ///< NPY [T] or [B,T], with a last dimension of 3 for gradients, f32
    QueryOutput output = QueryOutput::logit;
};

struct QueryResult {
    std::int64_t points = 0;          ///< values written
    std::vector<std::int64_t> shape;  ///< of the array written
    std::string kind;                 ///< what FIELD was
};

/// Evaluates a field at points and writes the values. `logit` gives a volume's values as they are; `probability` is for
/// models only.
/// @throws nir::Error (usage, input, format, cancelled).
QueryResult query(const QueryOptions& options, Progress& progress, PhaseTimer& timer);

}  // namespace nir::pipeline
