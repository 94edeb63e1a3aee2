// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/base/config.h"
#include "nir/extract/scalar_field.h"
#include "nir/geom/shapes.h"

#include <cstdint>
#include <functional>
#include <memory>
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

/// What a conditional model is given, in the model's own frame.
using Observation = std::variant<geom::PointCloud, geom::VoxelGrid>;

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

    /// Loss of a training batch, a scalar to call backward() on. Needs the module in training mode.
    virtual at::Tensor loss(const nn::Batch& batch, const LossLog& log) = 0;
    /// Reconstructs one observation, in eval mode and without gradients. A field keeps what it needs of the network
    /// alive; training steps taken meanwhile change it.
    /// @throws nir::Error (input) for an observation the model cannot take.
    virtual Shape infer(const Observation& observation) = 0;

    /// Parameters and buffers, for optimisers and checkpoints.
    virtual torch::nn::Module& module() = 0;
    /// Number of trained values.
    std::int64_t n_parameters();
};

/// infer() for models that give a field. @throws nir::Error (usage) if this one does not.
std::unique_ptr<extract::ScalarField> infer_field(Model& model, const Observation& observation);

}  // namespace nir::models
