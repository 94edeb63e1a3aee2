// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/data/model_set.h"
#include "nir/data/occupancy_samples.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nir::data {

/// Training from prepared sets: the papers' layout as it is, or packed.
/// Ref: occupancy networks (im2mesh/data), convolutional occupancy networks (src/data).
struct DatasetConfig {
    std::string path;               ///< folder or packed file
    std::vector<std::string> also;  ///< further sets, mixed in
    std::vector<double> weights;    ///< of path and also; empty: by their numbers of models
    std::vector<std::string> classes;
    std::string split = "train", validation_split = "val";

    enum class Observation { model, points, voxels, image, index, none } observation = Observation::model;
    int points = 3000;
    double noise = 0.005;
    bool partial = false;
    int image_size = 224;
    bool augment = false;

    int queries = 2048;
    int queries_inside = -1;
    double jitter = 1e-4;
    int surface = 2048;

    std::string points_file = "points.npz", points_iou_file = "points.npz", pointcloud_file = "pointcloud.npz";
    std::string voxels_file = "model.binvox", image_folder = "img_choy2016";

    void describe(ConfigVisitor& v);
    PaperFiles files() const;
    /// What samples show; "model" follows `wanted`. @throws Error{config} if the two contradict each other.
    nn::ObservationKind shown(std::optional<nn::ObservationKind> wanted) const;
};

/// One training sample; batches stack them under the names of nn/batch.h, with "index" [B] i64 (the model in its split)
/// and, where the surface is asked for and has normals, "surface_normals" [B,M,3].
struct DatasetSample {
    std::vector<float> observation;               ///< points [N,3], voxels [X,Y,Z], picture [3,H,W] in 0..1, or nothing
    std::vector<std::int64_t> observation_shape;  ///< {N,3}, {X,Y,Z}, {3,H,W}; {0} for none
    std::vector<float> queries;                   ///< [queries,3]
    std::vector<float> occupancies;               ///< [queries], 0 or 1
    std::vector<float> surface, surface_normals;  ///< [surface,3]; normals empty if the set has none
    std::vector<float> voxels;                    ///< [X,Y,Z], 0 or 1
    std::vector<std::int64_t> voxels_shape;
    TrainingWindow window{};  ///< with as many points as queries
    std::int64_t index = 0;   ///< of the model in its split
};

/// Splits of one or several sets, and what training draws from them.
class Dataset {
public:
    /// Opens the split of every set. @param wanted what the model takes. @throws Error{config, input, format}.
    Dataset(const DatasetConfig& config, std::string_view split, std::optional<nn::ObservationKind> wanted = {});

    nn::ObservationKind shown() const { return shown_; }

    /// Number of models of all sets.
    std::size_t size() const;
    const ModelSet& set_of(std::size_t model, std::size_t& index_in_set) const;

    /// The model of sample i: every epoch goes through all models once in an order of its own; with weights or several
    /// sets, each sample draws its set and model. A function of (seed, i).
    std::size_t model_of_sample(std::uint64_t i, std::uint64_t seed) const;
    /// Draws one sample. Training pictures are drawn from all views and may be augmented; otherwise view 0 is taken.
    DatasetSample sample(std::size_t model, bool training, Rng rng, const TrainingTargets& targets = {}) const;
    /// A model with its observation and up to `labels` of its IoU points; `near` are those within 0.02 of the surface.
    LabelledScan scan(std::size_t model, std::size_t labels, Rng rng) const;
    /// "4,321 models of 3 sets".
    std::string summary() const;

private:
    void observe(DatasetSample& out, const ModelSet& set, std::size_t m, bool training, Rng& rng) const;
    TrainingWindow draw_window_of(const ModelSet& set, std::size_t m, double side, Rng& rng) const;
    void draw_queries(DatasetSample& out, const ModelSet& set, std::size_t m, Rng& rng) const;
    std::vector<Vec3f> draw_cloud(const SurfacePoints& surface, Rng& rng) const;
    geom::RgbImage draw_picture(const ModelSet& set, std::size_t m, bool training, Rng& rng) const;

    DatasetConfig config_;
    nn::ObservationKind shown_;
    std::vector<std::unique_ptr<ModelSet>> sets_;
    std::vector<std::size_t> first_;  // global number of each set's first model, and the end
    std::vector<double> cumulative_;  // weights; empty: one set in epochs
};

/// A number of [0, n) for each i of [0, n), each once: a random order without memory. @param key picks the order.
std::uint64_t permuted(std::uint64_t i, std::uint64_t n, std::uint64_t key);

}  // namespace nir::data
