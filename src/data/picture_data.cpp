// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "data/picture_data.h"

#include "nir/base/error.h"
#include "nir/base/splitmix.h"
#include "nir/data/dataset.h"
#include "nir/data/sample_stream.h"
#include "nir/nn/batch.h"

#include "data/sample_batch.h"
#include "data/sample_rng.h"

namespace nir::data {
namespace {

nn::Batch stacked(const std::vector<PictureSample>& samples) {
    nn::Batch batch;
    const auto put = [&](const char* name, auto member, bool vectors) {
        put_rows(batch, name, samples, member, vectors);
    };
    put("origins", &PictureSample::origins, true), put("directions", &PictureSample::directions, true);
    put("rgb", &PictureSample::rgb, true), put("object", &PictureSample::object, false);
    put("freespace", &PictureSample::freespace, true), put("occupied", &PictureSample::occupied, true);
    put("depth", &PictureSample::depth, false), put("shape", &PictureSample::points, true);
    put("normals", &PictureSample::normals, true), put("shadow", &PictureSample::shadow, false);
    put("lamp", &PictureSample::lamp, false);
    std::vector<torch::Tensor> pictures;
    for (const PictureSample& s : samples)
        pictures.push_back(
            torch::from_blob(const_cast<float*>(s.picture.data.data()), {3, s.picture.height, s.picture.width}));
    batch["observation"] = torch::stack(pictures);
    return batch;
}

class PictureData final : public TrainingData {
public:
    PictureData(const PictureDataConfig& config, const TrainingDataOptions& o)
        : config_(config),
          train_(config, config.split),
          held_out_(config, config.validation_split),
          stream_([this, seed = o.seed](std::uint64_t i) { return sample(seed, i); }, o.first, o.workers, o.ahead) {
        if (o.observation && *o.observation != nn::ObservationKind::image)
            fail(ErrorKind::config, "data \"pictures\" gives {}, but the model takes {}",
                 nn::describe(nn::ObservationKind::image), nn::describe(*o.observation));
    }

    nn::Batch next(int n) override {
        std::vector<PictureSample> samples;
        for (int i = 0; i < n; ++i) samples.push_back(stream_.next());
        return stacked(samples);
    }
    std::uint64_t position() const override { return stream_.position(); }
    nn::Batch held_out_batch(std::uint64_t first, int n) const override {
        std::vector<PictureSample> samples;
        for (std::uint64_t i = first; i < first + static_cast<std::uint64_t>(n); ++i)
            samples.push_back(held_out_.draw(model_at(i), false, held_out_rng(i)));
        return stacked(samples);
    }
    LabelledScan held_out_scan(std::uint64_t index, std::size_t labels) const override {
        DatasetConfig c;
        c.path = config_.path, c.classes = config_.classes, c.observation = DatasetConfig::Observation::image;
        c.image_size = config_.image_size, c.image_folder = config_.input_folder;
        const Dataset set(c, config_.validation_split, nn::ObservationKind::image);
        return set.scan(model_at(index), labels, held_out_rng(index));
    }
    std::string training_range() const override {
        return fmt::format("photos of {} objects with silhouettes, {}", train_.size(), config_.path);
    }

private:
    PictureSample sample(std::uint64_t seed, std::uint64_t i) const {
        const std::uint64_t n = train_.size();
        return train_.draw(permuted(i % n, n, splitmix64(seed ^ splitmix64(i / n))), true, training_rng(seed, i));
    }
    /// Held-out shapes of all classes from the beginning.
    std::size_t model_at(std::uint64_t i) const {
        const std::uint64_t n = held_out_.size();
        return permuted(i % n, n, 0);
    }

    PictureDataConfig config_;
    PictureSet train_, held_out_;
    SampleStream<PictureSample> stream_;
};

}  // namespace

std::unique_ptr<TrainingData> make_picture_data(const PictureDataConfig& config, const TrainingDataOptions& options) {
    return std::make_unique<PictureData>(config, options);
}

}  // namespace nir::data
