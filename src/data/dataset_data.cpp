// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Samples of prepared sets as batches.
#include "data/dataset_data.h"

#include "nir/base/error.h"
#include "nir/base/log.h"
#include "nir/data/sample_stream.h"
#include "nir/nn/batch.h"

#include "data/sample_rng.h"
#include "data/window_batch.h"

#include <optional>

namespace nir::data {
namespace {

using Samples = std::vector<DatasetSample>;
using Shape = std::vector<std::int64_t>;

/// The samples' values as one tensor [B, shape…]. @throws Error{input} if a sample has another number of values.
torch::Tensor stacked(const Samples& samples, std::vector<float> DatasetSample::*member, const Shape& shape,
                      const char* what) {
    Shape whole = {static_cast<std::int64_t>(samples.size())};
    whole.insert(whole.end(), shape.begin(), shape.end());
    torch::Tensor out = torch::empty(whole, torch::kFloat32);
    const auto n = static_cast<std::size_t>(out.numel()) / std::max<std::size_t>(samples.size(), 1);
    float* to = out.data_ptr<float>();
    for (const auto& s : samples) {
        const auto& values = s.*member;
        if (values.size() != n)
            fail(ErrorKind::input, "the models of the set differ in their {}: {} values and {} values", what, n,
                 values.size());
        to = std::copy(values.begin(), values.end(), to);
    }
    return out;
}

nn::Batch make_batch(const DatasetConfig& config, nn::ObservationKind shown, const TrainingTargets& targets,
                     const Samples& samples) {
    nn::Batch batch;
    std::vector<std::int64_t> indices;
    for (const auto& s : samples) indices.push_back(s.index);
    batch["index"] = torch::tensor(indices, torch::kInt64);
    const bool by_index = shown == nn::ObservationKind::index;
    batch["observation"] =
        by_index ? batch.at("index")
                 : stacked(samples, &DatasetSample::observation, samples.front().observation_shape, "observation");
    if (config.queries > 0) {
        batch["points"] = stacked(samples, &DatasetSample::queries, {config.queries, 3}, "queries");
        batch["occupancies"] = stacked(samples, &DatasetSample::occupancies, {config.queries}, "labels");
    }
    if (targets.surface) {
        batch["surface"] = stacked(samples, &DatasetSample::surface, {config.surface, 3}, "surface points");
        if (!samples.front().surface_normals.empty())
            batch["surface_normals"] =
                stacked(samples, &DatasetSample::surface_normals, {config.surface, 3}, "normals");
    }
    if (targets.window > 0) {
        std::vector<const TrainingWindow*> windows;
        for (const auto& s : samples) windows.push_back(&s.window);
        stack_windows(windows, batch);
    }
    if (targets.voxels > 0)
        batch["voxels"] = stacked(samples, &DatasetSample::voxels, samples.front().voxels_shape, "voxel grids");
    return batch;
}

std::string observation_text(const DatasetConfig& c, nn::ObservationKind shown) {
    if (shown == nn::ObservationKind::points)
        return fmt::format("{} points, noise {} of the longest side{}", c.points, c.noise,
                           c.partial ? ", cut off along an axis" : "");
    if (shown == nn::ObservationKind::image) return fmt::format("pictures of {} pixels", c.image_size);
    return std::string(nn::describe(shown));
}

class DatasetData final : public TrainingData {
public:
    DatasetData(const DatasetConfig& config, const TrainingDataOptions& o)
        : config_(config),
          targets_(o.targets),
          training_(config, config.split, o.observation),
          held_out_(config, config.validation_split, o.observation),
          stream_(
              [this, seed = o.seed](std::uint64_t i) {
                  return training_.sample(training_.model_of_sample(i, seed), true, training_rng(seed, i), targets_);
              },
              o.first, o.workers, o.ahead) {
        log_info("data set: {} to train on, {} to validate with", training_.summary(), held_out_.summary());
    }

    nn::Batch next(int n) override {
        Samples samples;
        for (int i = 0; i < n; ++i) samples.push_back(stream_.next());
        return make_batch(config_, training_.shown(), targets_, samples);
    }
    std::uint64_t position() const override { return stream_.position(); }

    nn::Batch held_out_batch(std::uint64_t first, int n) const override {
        Samples samples;
        for (std::uint64_t i = first; i < first + static_cast<std::uint64_t>(n); ++i)
            samples.push_back(held_out_.sample(held_out_model(i), false, held_out_rng(i), targets_));
        return make_batch(config_, training_.shown(), targets_, samples);
    }
    LabelledScan held_out_scan(std::uint64_t index, std::size_t labels) const override {
        return held_out_.scan(held_out_model(index), labels, held_out_rng(index));
    }
    std::string training_range() const override {
        return fmt::format("{} of prepared sets, given {}; unit cube, longest side 1", training_.summary(),
                           observation_text(config_, training_.shown()));
    }

private:
    /// The same for every seed; all models of the split, mixed through its classes.
    std::size_t held_out_model(std::uint64_t i) const {
        return permuted(i % held_out_.size(), held_out_.size(), 0x5DEECE66Du);
    }

    DatasetConfig config_;
    TrainingTargets targets_;
    Dataset training_, held_out_;
    SampleStream<DatasetSample> stream_;  // last: its threads use what stands above
};

}  // namespace

std::unique_ptr<TrainingData> make_dataset_data(const DatasetConfig& config, const TrainingDataOptions& options) {
    return std::make_unique<DatasetData>(config, options);
}

}  // namespace nir::data
