// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/geom/image.h"
#include "nir/kernels/hash_grid.h"
#include "nir/kernels/small_mlp.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace nir::io {
struct TensorFile;
}

namespace nir::render {

struct FunctionFieldConfig {
    kernels::HashGridConfig grid{16, 2, 19, 16, 1024, 2};  ///< levels times features: a multiple of 16
    int hidden = 64;                                       ///< width of the two hidden layers, a multiple of 16
    int outputs = 3;                                       ///< 1 to 16
};

/// A function of the plane or of space, learned from its values: a hash grid and a network of two hidden layers. The
/// engine of the radiance field without the integral. Ref: mueller2022 §5.1 (images), §5.2 (signed distances).
struct FunctionField {
    FunctionFieldConfig config;
    kernels::HashGridLayout grid;
    kernels::SmallMlp net;
    std::vector<float> table;
    std::vector<std::uint16_t> half_table;
    std::vector<float> weights, packed;

    /// @throws Error{config}.
    explicit FunctionField(const FunctionFieldConfig& config, std::uint64_t seed = 0);
    /// Brings half_table and packed up to date.
    void refresh();
    std::size_t parameters() const { return table.size() + weights.size(); }
    /// @param points in the unit square or cube @param out [N, outputs]. On the pool.
    void values(const kernels::PointArrays& points, std::span<float> out) const;
};

/// What the values of a batch are compared by.
enum class FunctionLoss {
    squared,   ///< mean over points of sum over outputs of d²
    relative,  ///< |d| / (|target| + 0.01), for distances. Ref: mueller2022 §5.2
};

struct FunctionTrainerOptions {
    std::uint64_t seed = 0;
    double learning_rate = 1e-2;
    double last_learning_rate = 1e-4;
    double decay_from = 0.3;
    double network_l2 = 1e-6;
    std::size_t batch = std::size_t{1} << 16;
    FunctionLoss loss = FunctionLoss::squared;
};

/// Points of a batch and what the function is there. Filled by many threads at once: the same seed must give the same
/// points. Coordinates [count], targets [count, outputs].
struct FunctionSamples {
    std::span<float> x, y, z, target;  ///< z is empty in the plane
};
using FunctionSource = std::function<void(std::uint64_t seed, const FunctionSamples& out)>;

/// Trains a function field with the kernels of the radiance field: chunks of points in groups whose gradients are added
/// in order, levels of the table owned by one thread. The same seed gives the same bits for any number of threads.
class FunctionTrainer {
public:
    /// Keeps references.
    FunctionTrainer(FunctionField& field, FunctionSource source, const FunctionTrainerOptions& options);
    ~FunctionTrainer();
    FunctionTrainer(const FunctionTrainer&) = delete;
    FunctionTrainer& operator=(const FunctionTrainer&) = delete;

    /// One step. @param progress 0..1 @return the loss. @throws Error{numeric} if it is not finite.
    double step(double progress);
    std::size_t steps() const;

    /// Adds all that decides how the training goes on: field, moments, counter. A trainer of the same source and
    /// options that restores it takes the same steps, bit by bit.
    void save(io::TensorFile& out) const;
    /// @throws Error{format} if something is missing or does not fit the field.
    void restore(const io::TensorFile& file);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Draws pixels with their colours, 0..1; 1 to 4 channels. Keeps a reference.
FunctionSource image_samples(const geom::Image8& image);
/// The picture that the field shows, rounded. @param channels config.outputs
geom::Image8 draw_function(const FunctionField& field, int width, int height);

}  // namespace nir::render
