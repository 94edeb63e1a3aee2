// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/training_data.h"

#include "nir/data/cascade_batch.h"
#include "nir/data/sample_stream.h"
#include "nir/nn/batch.h"

#include "data/dataset_data.h"
#include "data/picture_data.h"
#include "data/sample_rng.h"
#include "data/view_data.h"
#include "data/window_batch.h"

#include <algorithm>
#include <cmath>

namespace nir::data {
namespace {

/// Samples as a batch: the part that both training sets share.
template <class Sample, class MakeSample, class MakeBatch>
class StreamData : public TrainingData {
public:
    StreamData(const TrainingDataOptions& o, MakeSample make, MakeBatch stack)
        : make_(std::move(make)),
          stack_(std::move(stack)),
          stream_([seed = o.seed, make = make_](std::uint64_t i) { return make(training_rng(seed, i)); }, o.first,
                  o.workers, o.ahead) {}

    nn::Batch next(int n) override {
        std::vector<Sample> samples;
        for (int i = 0; i < n; ++i) samples.push_back(stream_.next());
        return stack_(samples);
    }
    std::uint64_t position() const override { return stream_.position(); }
    nn::Batch held_out_batch(std::uint64_t first, int n) const override {
        std::vector<Sample> samples;
        for (int i = 0; i < n; ++i) samples.push_back(make_(held_out_rng(first + static_cast<std::uint64_t>(i))));
        return stack_(samples);
    }

private:
    MakeSample make_;
    MakeBatch stack_;
    SampleStream<Sample> stream_;
};

// -------------------------------------------------------------------------------------------- generated, unit cube

torch::Tensor stack_rows(const std::vector<OccupancySample>& samples, std::vector<float> OccupancySample::*member,
                         bool points) {
    std::vector<torch::Tensor> rows;
    for (const auto& s : samples) {
        const auto& v = s.*member;
        const auto n = static_cast<std::int64_t>(v.size());
        const torch::Tensor row = torch::from_blob(const_cast<float*>(v.data()), {n});
        rows.push_back(points ? row.view({n / 3, 3}) : row);
    }
    return torch::stack(rows);
}

void add_windows(nn::Batch& batch, const std::vector<OccupancySample>& samples) {
    std::vector<const TrainingWindow*> windows;
    for (const auto& s : samples) windows.push_back(&s.window);
    stack_windows(windows, batch);
}

nn::Batch occupancy_batch(const std::vector<OccupancySample>& samples) {
    nn::Batch batch;
    batch["observation"] = stack_rows(samples, &OccupancySample::observation, true);
    batch["points"] = stack_rows(samples, &OccupancySample::queries, true);
    batch["occupancies"] = stack_rows(samples, &OccupancySample::occupancies, false);
    if (!samples.front().surface.empty()) batch["surface"] = stack_rows(samples, &OccupancySample::surface, true);
    if (const std::size_t cells = samples.front().voxels.size(); cells > 0) {
        const std::int64_t side = std::llround(std::cbrt(static_cast<double>(cells)));
        batch["voxels"] = stack_rows(samples, &OccupancySample::voxels, false).view({-1, side, side, side});
    }
    if (!samples.front().window.points.empty()) add_windows(batch, samples);
    return batch;
}

class GeneratedData final : public StreamData<OccupancySample, std::function<OccupancySample(Rng)>,
                                              nn::Batch (*)(const std::vector<OccupancySample>&)> {
public:
    GeneratedData(const OccupancyDataConfig& config, const TrainingDataOptions& o)
        : StreamData(
              o, [config, t = o.targets](Rng rng) { return make_occupancy_sample(config, rng, t); }, occupancy_batch),
          config_(config) {}

    LabelledScan held_out_scan(std::uint64_t index, std::size_t labels) const override {
        Rng rng = held_out_rng(index);
        const auto n = static_cast<std::size_t>(config_.points);
        const GeneratedShape shape = fit_unit_cube(generate_shape(rng, std::max<std::size_t>(2 * n, 2000)));
        LabelledScan scan;
        for (std::size_t i = 0; i < n; ++i) {
            Vec3f p = shape.surface[rng.below(shape.surface.size())];
            for (int a = 0; a < 3; ++a) p[a] += static_cast<float>(config_.noise * rng.normal());
            scan.cloud.push_back(p);
        }
        scan.spacing = std::sqrt(static_cast<double>(shape.area) / static_cast<double>(n));
        add_labels(scan, shape, labels, rng);
        return scan;
    }
    std::string training_range() const override {
        return fmt::format("generated shapes in the unit cube, {} points, noise {} of the longest side", config_.points,
                           config_.noise);
    }

private:
    OccupancyDataConfig config_;
};

// ------------------------------------------------------------------------------------------------------- cascade

nn::Batch stack_cascade(const std::vector<CascadeSample>& samples) { return cascade_batch(samples); }

class CascadeData final : public StreamData<CascadeSample, std::function<CascadeSample(Rng)>,
                                            nn::Batch (*)(const std::vector<CascadeSample>&)> {
public:
    CascadeData(const CascadeDataConfig& config, const TrainingDataOptions& o)
        : StreamData(
              o, [config](Rng rng) { return make_cascade_sample(config, rng); }, stack_cascade),
          config_(config) {}

    LabelledScan held_out_scan(std::uint64_t index, std::size_t labels) const override {
        Rng rng = held_out_rng(index);
        const ScanOptions options = draw_scan_options(config_, rng);
        const GeneratedShape shape = draw_shape(config_, rng, std::max<std::size_t>(options.max_points, 4000));
        SimulatedScan simulated = simulate_scan(shape, options, rng);
        LabelledScan scan;
        scan.cloud = std::move(simulated.points);
        scan.spacing = simulated.spacing;
        add_labels(scan, shape, labels, rng);
        return scan;
    }
    std::string training_range() const override {
        const std::string rooms = config_.rooms > 0 ? fmt::format(", {:.0f} % rooms", 100 * config_.rooms) : "";
        return fmt::format(
            "generated shapes, {} to {} points, noise up to {} point spacings, {:.0f} % seen by cameras{}",
            config_.min_points, config_.max_points, config_.max_noise_spacings, 100 * config_.views_share, rooms);
    }

private:
    CascadeDataConfig config_;
};

}  // namespace

std::span<const DataRow> data_rows() {
    static const DataRow kRows[] = {
        {"convonet2020",
         config_alternative<OccupancyDataConfig>("generated", "Endless generated shapes in the unit cube"), "occupancy",
         [](const AnyConfig& c, const TrainingDataOptions& o) -> std::unique_ptr<TrainingData> {
             return std::make_unique<GeneratedData>(c.get<OccupancyDataConfig>(), o);
         }},
        {"",
         config_alternative<CascadeDataConfig>("cascade", "Endless generated shapes as simulated scans, in octaves"),
         "cascade",
         [](const AnyConfig& c, const TrainingDataOptions& o) -> std::unique_ptr<TrainingData> {
             return std::make_unique<CascadeData>(c.get<CascadeDataConfig>(), o);
         }},
        {"mescheder2019",
         config_alternative<DatasetConfig>("dataset", "Prepared sets: the papers' layout as it is, or packed"),
         "occupancy",
         [](const AnyConfig& c, const TrainingDataOptions& o) { return make_dataset_data(c.get<DatasetConfig>(), o); }},
        {"niemeyer2020", config_alternative<ViewDataConfig>("views", "Posed photos of one object with silhouettes"),
         "views",
         [](const AnyConfig& c, const TrainingDataOptions& o) { return make_view_data(c.get<ViewDataConfig>(), o); }},
        {"niemeyer2020",
         config_alternative<PictureDataConfig>("pictures", "Posed photos of many objects, and a picture of each"),
         "pictures",
         [](const AnyConfig& c, const TrainingDataOptions& o) {
             return make_picture_data(c.get<PictureDataConfig>(), o);
         }},
    };
    return kRows;
}

std::span<const ConfigAlternative> data_alternatives() {
    static const std::vector<ConfigAlternative> all = [] {
        std::vector<ConfigAlternative> out;
        for (const auto& row : data_rows()) out.push_back(row.config);
        return out;
    }();
    return all;
}

std::vector<Component> data_components() {
    std::vector<Component> out;
    for (const auto& row : data_rows()) out.push_back({"data", row.config.name, row.config.summary, row.reference});
    return out;
}

const DataRow& data_row(std::string_view name) {
    for (const auto& row : data_rows())
        if (row.config.name == name) return row;
    fail(ErrorKind::internal, "there is no training set \"{}\"", name);
}

}  // namespace nir::data
