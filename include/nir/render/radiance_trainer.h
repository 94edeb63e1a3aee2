// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/environment.h"
#include "nir/render/occupancy_grid.h"
#include "nir/render/photo_corrections.h"
#include "nir/render/posed_view.h"
#include "nir/render/radiance_field.h"
#include "nir/render/render_view.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace nir::io {
struct TensorFile;
}

namespace nir::render {

struct RadianceTrainerOptions {
    MarchOptions march;
    std::uint64_t seed = 0;
    double learning_rate = 1e-2;
    double last_learning_rate = 3e-4;  ///< reached at progress 1, exponentially from `decay_from` on
    double decay_from = 0.3;
    double network_l2 = 1e-6;
    std::size_t first_batch = std::size_t{1} << 14;  ///< trained samples a step at the start …
    std::size_t last_batch = std::size_t{1} << 17;   ///< … and at most
    std::size_t double_every = 150;                  ///< steps after which the batch doubles
    /// The grid looks at 1/grid_phases of its cells from step grid_from on, at first every (step / 8) steps, in the end
    /// every grid_every steps.
    std::size_t grid_every = 16, grid_phases = 8, grid_from = 16;
    float grid_decay = 0.75f;
    float stop_at = 1e-4f;  ///< transmittance at which a ray ends
    /// Behind transparent pixels; nothing: a random colour a ray, so that density cannot hide as background.
    std::optional<std::array<float, 3>> background;

    // What real photos need.
    bool exposure = false;     ///< a gain a photo and channel (photo_corrections.h)
    bool poses = false;        ///< the cameras' poses are refined
    bool environment = false;  ///< colours by direction behind everything, instead of `background`
    double gain_rate = 0.03,
           pose_rate = 2e-4;        ///< share of Newton's step; Adam's rate. They fall with the learning rate
    double corrections_from = 0.1;  ///< progress from which on gains and poses are learned
    std::size_t pose_rays = 8;      ///< every so-manyth ray says something about its pose
    /// Weight of the distortion loss, which draws the samples of a ray together (barron2022, eq. 15).
    double distortion = 0;
    /// Gradients of samples nearer to a camera than this (world units) are scaled by the square of the distance, so
    /// that density in front of one camera is not learned from it (philip2023). 0: off.
    double fade = 0;
    /// Transparent pixels are laid over the background in linear light, as instant-ngp does by default, instead of
    /// sRGB-encoded, as the published tables of NeRF do.
    bool linear_blend = false;

    // Fields with a surface (FieldShape). All of the weights are beside Huber's loss of a ray.
    double first_sharpness = 20;  ///< of a signed distance, per side of the frame …
    double last_sharpness = 600;  ///< … and from `sharp_from` on; exponentially between
    double sharp_from = 0.7;      ///< progress
    double levels_until = 0.35;   ///< progress at which all levels of the grid are learned
    double eikonal = 0.02;        ///< (|grad f| - 1)² of a signed distance
    double smoothness = 0.005;    ///< change of the slope from cell to cell, squared; of normals, for an occupancy
    double carved = 0.1;          ///< what the photos' transparency shows to be empty stays outside
};

/// What one step did.
struct StepReport {
    std::size_t rays = 0, evaluated = 0, trained = 0;  ///< samples: density looked at; took part in the gradient
    double loss = 0;                                   ///< Huber's, mean over rays and channels
    double mse = 0;                                    ///< squared difference, mean over rays and channels
    double rays_s = 0, table_s = 0, grid_s = 0;        ///< seconds of the parts
};

/// Trains a field on posed photos: no autograd, all gradients by the kernels, chunk of rays after chunk of rays. The
/// same seed gives the same bits for any number of threads. Ref: mueller2022; the structure is described in
/// docs/methods/radiance_fields.md.
class RadianceTrainer {
public:
    /// Keeps references to all but the options. @throws Error{input} if views are empty or their sizes do not fit.
    RadianceTrainer(RadianceField& field, OccupancyGrid& grid, const std::vector<PosedView>& views,
                    const FieldFrame& frame, const RadianceTrainerOptions& options);
    ~RadianceTrainer();
    RadianceTrainer(const RadianceTrainer&) = delete;
    RadianceTrainer& operator=(const RadianceTrainer&) = delete;

    /// One optimiser step. @param progress 0..1, how much of the training is done: sets the learning rate.
    /// @throws Error{numeric} if the loss is not finite.
    StepReport step(double progress);
    std::size_t steps() const;
    /// What was found out about the photos; as given where nothing is learned.
    const PhotoCorrections& corrections() const;
    /// Empty unless options.environment.
    const EnvironmentMap& environment() const;

    /// Adds all that decides how the training goes on: field, grid, moments, counters. A trainer of the same views and
    /// options that restores it takes the same steps, bit by bit.
    void save(io::TensorFile& out) const;
    /// @throws Error{format} if something is missing or does not fit the field.
    void restore(const io::TensorFile& file);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace nir::render
