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

    TrainingScene(const RadianceField& field, const std::vector<PosedView>& views, const FieldFrame& frame,
                  const RadianceTrainerOptions& options);
};

/// What a part of a step's rays leaves behind: gradients of the networks, and of the encodings for the scatter.
struct GroupGradients {
    std::vector<float> density, colour;        ///< like the networks' weights
    std::vector<float> x, y, z;                ///< of the trained samples
    std::vector<std::vector<float>> by_level;  ///< [samples, features] each
    std::size_t evaluated = 0, trained = 0;
    double loss = 0, squared_error = 0;

    void clear(const RadianceField& field);
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
    void backward(const TrainingScene& scene, GroupGradients& out);

    WaveTracer tracer_;
    std::vector<kernels::MarchingRay> rays_;
    std::vector<float> target_, background_, direction_[3], color_, through_, slope_;
    std::vector<std::uint8_t> counts_;
    Buffer harmonics_, hidden_, raw_, rgb_, weights_, d_raw_, d_density_, d_in_, d_encoded_, scratch_;
};

}  // namespace nir::render
