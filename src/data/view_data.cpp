// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "data/view_data.h"

#include "nir/data/sample_stream.h"
#include "nir/nn/batch.h"

#include "data/sample_batch.h"
#include "data/sample_rng.h"

namespace nir::data {
namespace {

nn::Batch stacked(const std::vector<ViewSample>& samples) {
    nn::Batch batch;
    const auto put = [&](const char* name, auto member, bool vectors) {
        put_rows(batch, name, samples, member, vectors);
    };
    put("origins", &ViewSample::origins, true), put("directions", &ViewSample::directions, true);
    put("rgb", &ViewSample::rgb, true), put("object", &ViewSample::object, false);
    put("freespace", &ViewSample::freespace, true), put("occupied", &ViewSample::occupied, true);
    put("sparse_origins", &ViewSample::sparse_origins, true);
    put("sparse_directions", &ViewSample::sparse_directions, true);
    put("sparse_depth", &ViewSample::sparse_depth, false);
    return batch;
}

class ViewData final : public TrainingData {
public:
    ViewData(const ViewDataConfig& config, const TrainingDataOptions& o)
        : pictures_(config),
          path_(config.path),
          stream_([this, seed = o.seed](std::uint64_t i) { return pictures_.draw(training_rng(seed, i)); }, o.first,
                  o.workers, o.ahead) {}

    nn::Batch next(int n) override {
        std::vector<ViewSample> samples;
        for (int i = 0; i < n; ++i) samples.push_back(stream_.next());
        return stacked(samples);
    }
    std::uint64_t position() const override { return stream_.position(); }
    nn::Batch held_out_batch(std::uint64_t first, int n) const override {
        std::vector<ViewSample> samples;
        for (int i = 0; i < n; ++i) samples.push_back(pictures_.draw_held_out(first + static_cast<std::uint64_t>(i)));
        return stacked(samples);
    }
    /// The visual hull stands for the scan; nobody knows what is inside.
    LabelledScan held_out_scan(std::uint64_t, std::size_t) const override {
        LabelledScan scan;
        scan.cloud = pictures_.hull_points();
        scan.shown = nn::ObservationKind::none;
        return scan;
    }
    std::string training_range() const override {
        return fmt::format("{} photos of one object with silhouettes, {}", pictures_.training_views(), path_);
    }
    std::optional<geom::Frame> world_frame() const override { return pictures_.frame(); }

private:
    PosedPictures pictures_;
    std::string path_;
    SampleStream<ViewSample> stream_;
};

}  // namespace

std::unique_ptr<TrainingData> make_view_data(const ViewDataConfig& config, const TrainingDataOptions& options) {
    return std::make_unique<ViewData>(config, options);
}

}  // namespace nir::data
