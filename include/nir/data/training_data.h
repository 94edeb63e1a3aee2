// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/component.h"
#include "nir/base/config.h"
#include "nir/data/occupancy_samples.h"
#include "nir/data/training_targets.h"
#include "nir/geom/shapes.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nir::nn {
struct Batch;
}

namespace nir::data {

/// Where a training gets its batches from, and what it is tested on. Everything is a function of (seed, index).
class TrainingData {
public:
    virtual ~TrainingData() = default;
    /// The next n samples of the stream.
    virtual nn::Batch next(int n) = 0;
    /// Index of the first sample of the next batch.
    virtual std::uint64_t position() const = 0;
    /// Samples first .. first + n - 1 of a stream that no training sees; the same for every seed.
    virtual nn::Batch held_out_batch(std::uint64_t first, int n) const = 0;
    /// Scan `index` of that stream with `labels` points of each kind.
    virtual LabelledScan held_out_scan(std::uint64_t index, std::size_t labels) const = 0;
    /// What a model trained on this has seen, in words, for model files.
    virtual std::string training_range() const = 0;
    /// Where the model's frame lies, if the training is about one thing in the world.
    virtual std::optional<geom::Frame> world_frame() const { return {}; }
};

struct TrainingDataOptions {
    std::uint64_t seed = 0;
    std::uint64_t first = 0;    ///< sample to start at
    int workers = 1;            ///< threads that make samples ahead; 0 = none
    TrainingTargets targets{};  ///< what batches hold besides labelled points; the cascade's cannot
    /// What the model takes, if known; sets that can show their shapes in several ways follow it.
    std::optional<nn::ObservationKind> observation{};
    /// Samples kept ready: a few batches, so that a step need not wait for its last sample.
    std::uint64_t ahead = 24;
};

/// A row of the registry of training sets.
struct DataRow {
    const char* reference;
    ConfigAlternative config;
    std::string_view batch;  ///< what batches hold: "occupancy" (nn/batch.h), "cascade" (cascade_batch.h),
                             ///< "views" (view_samples.h) or "pictures" (picture_samples.h)
    std::unique_ptr<TrainingData> (*make)(const AnyConfig& config, const TrainingDataOptions& options);
};

std::span<const DataRow> data_rows();
std::span<const ConfigAlternative> data_alternatives();
std::vector<Component> data_components();
/// @throws nir::Error (internal) for a name that is no row.
const DataRow& data_row(std::string_view name);

}  // namespace nir::data
