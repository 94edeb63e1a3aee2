// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/kernels/ray_march.h"
#include "nir/render/radiance_field.h"

#include <cstdint>
#include <vector>

namespace nir::render {

/// A vector that only grows and whose new elements are not used before they are written.
struct Buffer {
    std::vector<float> data;
    float* grow(std::size_t n) {
        if (data.size() < n) data.resize(n + n / 4);
        return data.data();
    }
    std::span<float> first(std::size_t n) { return std::span(data).first(n); }
};

/// Takes a chunk of rays through the field, wave after wave: every ray that is still alive takes a few samples, their
/// densities are evaluated together, and rays behind which nothing can be seen any more end. What was evaluated behind
/// the end is dropped. One per thread; memory is kept from call to call.
class WaveTracer {
public:
    /// @param rays move on to their ends @param stop_at transmittance at which a ray ends
    /// @param for_training also keeps encodings and hidden activations.
    void trace(const RadianceField& field, const kernels::OccupancyView& grid, const kernels::StepRule& rule,
               std::vector<kernels::MarchingRay>& rays, float stop_at, bool for_training);

    /// The kept samples, ray after ray.
    std::vector<std::uint32_t> first;
    Buffer x, y, z, t, dt, alpha;
    Buffer encoded;    ///< [N, grid width] (training)
    Buffer hidden;     ///< [N, hidden] of the density network (training)
    Buffer colour_in;  ///< [N, 32]: outputs of the density network; columns 16 to 31 are the caller's
    std::size_t evaluated = 0;

    std::size_t size() const { return first.empty() ? 0 : first.back(); }

private:
    struct Segment {
        std::uint32_t ray, begin, count;
    };
    void evaluate(const RadianceField& field, std::size_t begin, std::size_t end);
    /// Opacities of the samples of segments [from, …) from what evaluate found.
    void opacities(const RadianceField& field, std::size_t from, std::size_t begin, std::size_t end);
    void keep(const RadianceField& field, bool for_training);

    std::vector<Segment> segments_;
    std::vector<std::uint32_t> alive_, next_, cursor_;
    std::vector<float> through_, before_;  ///< of the rays; before_: kernels::distance_to_alpha
    Buffer raw_x_, raw_y_, raw_z_, raw_t_, raw_dt_, raw_alpha_, raw_encoded_, raw_hidden_, raw_out_, raw_value_;
};

}  // namespace nir::render
