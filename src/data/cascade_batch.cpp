// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/data/cascade_batch.h"

#include "nir/kernels/splat.h"
#include "nir/nn/batch.h"

#include <cmath>

namespace nir::data {
namespace {

using torch::Tensor;

Tensor view(const std::vector<float>& v, torch::IntArrayRef sizes) {
    return torch::from_blob(const_cast<float*>(v.data()), sizes, torch::kFloat32);
}

Tensor volume(const std::vector<float>& v, std::int64_t channels) {
    const double cells = static_cast<double>(v.size()) / static_cast<double>(channels);
    const auto n = static_cast<std::int64_t>(std::lround(std::cbrt(cells)));
    return view(v, {channels, n, n, n});
}

}  // namespace

nn::Batch cascade_batch(std::span<const CascadeSample> samples) {
    NIR_CHECK(!samples.empty());
    std::size_t octaves = 0;
    for (const auto& s : samples) octaves = std::max(octaves, s.octaves.size());
    nn::Batch batch;
    std::vector<std::int64_t> row_of(samples.size());
    for (std::size_t octave = 0; octave < octaves; ++octave) {
        std::vector<Tensor> moments, open, queries, occupancy, inside;
        std::vector<std::int64_t> parent, offset;
        for (std::size_t b = 0; b < samples.size(); ++b) {
            if (samples[b].octaves.size() <= octave) continue;
            const OctaveSample& o = samples[b].octaves[octave];
            const auto q = static_cast<std::int64_t>(o.occupancy.size());
            moments.push_back(volume(o.moments, kernels::kSplatChannels));
            if (octave == 0) open.push_back(volume(o.openness, kernels::kOpennessChannels));
            queries.push_back(view(o.queries, {q, 3}));
            occupancy.push_back(view(o.occupancy, {q}));
            inside.push_back(torch::from_blob(const_cast<char*>(o.inside.data()), {q}, torch::kInt8) > 0);
            parent.push_back(row_of[b]);
            for (const int x : o.offset) offset.push_back(x);
            row_of[b] = static_cast<std::int64_t>(moments.size()) - 1;
        }
        const auto name = [octave](const char* what) { return fmt::format("{}.{}", octave, what); };
        const auto m = static_cast<std::int64_t>(moments.size());
        batch[name("moments")] = torch::stack(moments);
        batch[name("queries")] = torch::stack(queries);
        batch[name("occupancy")] = torch::stack(occupancy);
        batch[name("inside")] = torch::stack(inside);
        if (octave == 0) {
            batch[name("openness")] = torch::stack(open);
        } else {
            batch[name("parent")] = torch::tensor(parent, torch::kInt64);
            batch[name("offset")] = torch::tensor(offset, torch::kInt64).view({m, 3});
        }
    }
    return batch;
}

}  // namespace nir::data
