// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/data/training_targets.h"
#include "nir/extract/scalar_field.h"
#include "nir/geom/image.h"
#include "nir/geom/shapes.h"
#include "nir/nn/observation_kind.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

// Callers that only infer need no torch header.
namespace at {
class Tensor;
}
namespace torch::nn {
class Module;
}
namespace nir::nn {
struct Batch;
}

namespace nir::models {

using nn::ObservationKind;

/// The number of a training shape, for models that keep one code for each.
struct ShapeIndex {
    std::int64_t value = 0;
};

/// What a model is given, in the model's own frame; std::monostate = nothing, for unconditional models.
using Observation = std::variant<std::monostate, geom::PointCloud, geom::VoxelGrid, geom::RgbImage, ShapeIndex>;

ObservationKind kind_of(const Observation& observation);
/// @throws nir::Error (input) in one sentence unless the observation is of the wanted kind.
void expect_kind(const Observation& observation, ObservationKind wanted);

/// Where a shape of a generative model comes from: an observation (or none), and the seed its latent code is drawn
/// with; no seed = the mean of the prior.
struct ShapeSource {
    Observation observation;
    std::optional<std::uint64_t> seed;
};

/// What a model makes of it: most give a field; baselines give points, meshes or voxels.
using Shape = std::variant<std::unique_ptr<extract::ScalarField>, geom::PointCloud, geom::TriMesh, geom::VoxelGrid>;

/// Receives figures of a training step besides the loss ("iou").
using LossLog = std::function<void(std::string_view name, double value)>;

/// A network with its weights. Built by models/registry.h.
class Model {
public:
    virtual ~Model() = default;
    Model() = default;
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    /// Name in the registry.
    virtual std::string_view name() const = 0;
    /// The resolved [model] table; build_model() of it gives the same network.
    virtual Config config() const = 0;

    /// What infer() takes; decides which kind of file the program reads.
    virtual ObservationKind takes() const { return ObservationKind::points; }
    /// True if the model has a latent code that can be drawn.
    virtual bool generative() const { return false; }

    /// Loss of a training batch, a scalar to call backward() on. Needs the module in training mode.
    virtual at::Tensor loss(const nn::Batch& batch, const LossLog& log) = 0;
    /// What loss() compares with besides labelled points; the training set provides it on demand.
    virtual data::TrainingTargets targets() const { return {}; }
    /// Reconstructs one observation, in eval mode and without gradients. A field keeps what it needs of the network
    /// alive; training steps taken meanwhile may change it.
    /// @throws nir::Error (input) for an observation the model cannot take.
    virtual Shape infer(const Observation& observation) = 0;
    /// infer() with a drawn latent code. @throws nir::Error (usage) for a seed if the model is not generative().
    virtual Shape sample(const ShapeSource& source);
    /// The shape whose codes lie at a + t (b - a). @throws nir::Error (usage) if the model has no codes.
    virtual Shape interpolate(const ShapeSource& a, const ShapeSource& b, double t);

    /// Parameters and buffers, for optimisers and checkpoints.
    virtual torch::nn::Module& module() = 0;
    /// Number of trained values.
    std::int64_t n_parameters();
};

/// infer() for models that give a field. @throws nir::Error (usage) if this one does not.
std::unique_ptr<extract::ScalarField> infer_field(Model& model, const Observation& observation);
/// The same for sample().
std::unique_ptr<extract::ScalarField> sample_field(Model& model, const ShapeSource& source);

}  // namespace nir::models
