// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_loss.h"

#include "nir/kernels/splat.h"

#include <cmath>

namespace nir::models {
namespace {

torch::Tensor volume(const std::vector<float>& v, std::int64_t channels) {
    const auto n = static_cast<std::int64_t>(
        std::lround(std::cbrt(static_cast<double>(v.size()) / static_cast<double>(channels))));
    return torch::from_blob(const_cast<float*>(v.data()), {channels, n, n, n}, torch::kFloat32);
}

/// Features of a child window: the parent's, cut out with one cell around (replicated at the border), upsampled by 2.
torch::Tensor child_context(const torch::Tensor& parent, const std::array<int, 3>& offset) {
    const std::int64_t half = parent.size(1) / 2;
    namespace F = torch::nn::functional;
    torch::Tensor p = F::pad(parent.unsqueeze(0), F::PadFuncOptions({1, 1, 1, 1, 1, 1}).mode(torch::kReplicate));
    for (std::int64_t axis = 0; axis < 3; ++axis)
        p = p.narrow(4 - axis, offset[static_cast<std::size_t>(axis)], half + 2);
    p = upsample_octave(p);
    for (std::int64_t axis = 2; axis < 5; ++axis) p = p.narrow(axis, 2, 2 * half);
    return p.squeeze(0);
}

}  // namespace

torch::Tensor cascade_loss(CascadeNet& net, const std::vector<data::CascadeSample>& batch, CascadeLossReport* report) {
    std::size_t octaves = 0;
    for (const auto& s : batch) octaves = std::max(octaves, s.octaves.size());
    torch::Tensor total = torch::zeros({}), features;
    std::vector<std::size_t> members, row_of(batch.size());
    for (std::size_t octave = 0; octave < octaves; ++octave) {
        std::vector<torch::Tensor> moments, open, context, queries, labels, inside;
        members.clear();
        for (std::size_t b = 0; b < batch.size(); ++b) {
            if (batch[b].octaves.size() <= octave) continue;
            const auto& o = batch[b].octaves[octave];
            const auto q = static_cast<std::int64_t>(o.occupancy.size());
            moments.push_back(volume(o.moments, kernels::kSplatChannels));
            if (octave == 0)
                open.push_back(volume(o.openness, kernels::kOpennessChannels));
            else
                context.push_back(child_context(features[static_cast<std::int64_t>(row_of[b])], o.offset));
            queries.push_back(torch::from_blob(const_cast<float*>(o.queries.data()), {q, 3}));
            labels.push_back(torch::from_blob(const_cast<float*>(o.occupancy.data()), {q}));
            inside.push_back(torch::from_blob(const_cast<char*>(o.inside.data()), {q}, torch::kInt8));
            members.push_back(b);
        }
        features = octave == 0 ? net->coarse(torch::stack(moments), torch::stack(open))
                               : net->fine(torch::stack(moments), torch::stack(context));
        for (std::size_t i = 0; i < members.size(); ++i) row_of[members[i]] = i;
        const torch::Tensor logits = net->decode(features, torch::stack(queries));
        const torch::Tensor loss = torch::binary_cross_entropy_with_logits(logits, torch::stack(labels));
        total = total + loss * (static_cast<double>(members.size()) / static_cast<double>(batch.size()));
        if (report) {
            const torch::Tensor a = logits.detach() > 0, b = torch::stack(inside) > 0;
            const double both =
                (a & b).sum(1).to(torch::kFloat64).div((a | b).sum(1).clamp_min(1)).mean().item<double>();
            report->loss.push_back(loss.item<double>());
            report->iou.push_back(both);
            report->count.push_back(static_cast<std::int64_t>(members.size()));
        }
    }
    return total;
}

}  // namespace nir::models
