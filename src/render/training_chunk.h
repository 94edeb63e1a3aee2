// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/render/radiance_trainer.h"

#include "render/ray_source.h"
#include "render/wave_tracer.h"

#include <memory>
#include <vector>

namespace nir::render {

/// What all threads read during a step.
struct TrainingScene {
    const RadianceField& field;
    const std::vector<PosedView>& views;
    std::vector<ViewRays> rays;
    FieldFrame frame;
    RadianceTrainerOptions options;
    kernels::StepRule rule;
    PhotoCorrections corrections;
    EnvironmentMap environment;               ///< empty: none
    std::vector<std::array<float, 3>> gains;  ///< of the views, from corrections
    float reach = 1;                          ///< number of the last step within the outermost cube
    std::vector<std::uint64_t> candidates;    ///< bits of the cells that the photos leave possible; empty: all of them
    std::size_t active_levels = 32;           ///< of the hash grid: those that are learned

    TrainingScene(const RadianceField& field, const std::vector<PosedView>& views, const FieldFrame& frame,
                  const RadianceTrainerOptions& options);
    /// Brings rays and gains up to date after the corrections have changed.
    void follow_corrections();

private:
    std::vector<std::shared_ptr<const geom::PixelDirections>> directions_;
};

/// What a part of a step's rays leaves behind: gradients of the networks, and of the encodings for the scatter.
struct GroupGradients {
    std::vector<float> density, colour;        ///< like the networks' weights
    std::vector<float> x, y, z;                ///< of the trained samples
    std::vector<std::vector<float>> by_level;  ///< [samples, features] each
    std::vector<float> gains, poses;           ///< [views, 6]: gradient and curvature; [views, 6]; empty if not learned
    std::vector<float> environment;            ///< like EnvironmentMap::raw
    std::size_t evaluated = 0, trained = 0;
    double loss = 0, squared_error = 0;

    void clear(const TrainingScene& scene);
};

/// Points beside the rays at which a field with a surface is looked at: its slope, its smoothness, what is known to be
/// empty. Each probe has the same number of points.
struct Probes {
    std::size_t count = 0, near = 0;  ///< the first `near` of them lie on rays, the others anywhere
    std::vector<float> x, y, z;       ///< all points
    std::vector<float> value, slope;  ///< level values, and the loss differentiated by them
    std::vector<std::uint8_t> empty;  ///< of each probe: it is in a cell that cannot hold anything
    Buffer encoded, hidden, out;
};

/// Rays of one step that are worked on together, from drawing them to the gradients. One per thread.
class TrainingChunk {
public:
    /// Rays [begin, end) of `rays` in step `step`; adds to `out`.
    void run(const TrainingScene& scene, const kernels::OccupancyView& grid, std::uint64_t step, std::size_t rays,
             std::size_t begin, std::size_t end, GroupGradients& out);

private:
    void draw(const TrainingScene& scene, const kernels::OccupancyView& grid, std::uint64_t step, std::size_t rays,
              std::size_t begin, std::size_t end);
    void forward(const TrainingScene& scene);
    void loss(const TrainingScene& scene, std::size_t rays, GroupGradients& out);
    void backward(const TrainingScene& scene, std::size_t rays, GroupGradients& out);
    void thickness_to_raw(const TrainingScene& scene);
    void density_backward(const TrainingScene& scene, const kernels::PointArrays& points, float* encoded,
                          std::span<float> hidden, const float* slopes, std::size_t stride, GroupGradients& out);
    void surface_terms(const TrainingScene& scene, std::uint64_t step, std::size_t begin, std::size_t rays,
                       GroupGradients& out);
    void place_probes(const TrainingScene& scene, std::uint64_t step, std::size_t begin, std::size_t per_probe);
    double distance_terms(const TrainingScene& scene, float cell, float weight);
    double occupancy_terms(const TrainingScene& scene, float cell, float weight);
    void fade(const TrainingScene& scene);
    void distortion(const TrainingScene& scene, std::size_t rays, GroupGradients& out);
    void gradients_of_photos(const TrainingScene& scene, GroupGradients& out) const;
    void gradients_of_poses(const TrainingScene& scene, std::uint64_t step, std::size_t begin, GroupGradients& out);

    WaveTracer tracer_;
    std::vector<kernels::MarchingRay> rays_;
    std::vector<float> target_, background_, direction_[3], color_, through_, slope_;
    std::vector<std::uint8_t> counts_;
    std::vector<std::uint32_t> view_;  ///< of each ray
    std::vector<float> clear_;         ///< transparency of each photo's pixel
    std::vector<float> bend_;          ///< second derivative of the loss with respect to each shown colour, about
    std::vector<float> d_position_, interval_;
    Buffer harmonics_, hidden_, raw_, rgb_, weights_, d_raw_, d_density_, d_in_, d_encoded_, scratch_;
    Buffer zeros_, ones_, values_;
    Probes probes_;
};

}  // namespace nir::render
