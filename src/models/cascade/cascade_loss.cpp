// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_loss.h"

#include "nir/data/cascade_batch.h"

#include <fmt/format.h>

namespace nir::models {
namespace {

/// Logits of the parents' cells in the windows of the next octave. @return [M, n/2, n/2, n/2]
torch::Tensor parent_logits(CascadeNet& net, const torch::Tensor& features, const torch::Tensor& parent,
                            const torch::Tensor& offset) {
    const torch::NoGradGuard no_grad;
    const std::int64_t half = features.size(2) / 2;
    std::vector<torch::Tensor> inner;
    for (std::int64_t i = 0; i < parent.size(0); ++i) {
        torch::Tensor p = features[parent.data_ptr<std::int64_t>()[i]];
        for (std::int64_t axis = 0; axis < 3; ++axis)
            p = p.narrow(3 - axis, offset.data_ptr<std::int64_t>()[3 * i + axis], half);
        inner.push_back(p.permute({1, 2, 3, 0}));
    }
    return net->decode_features(torch::stack(inner));
}

}  // namespace

torch::Tensor cascade_loss(CascadeNet& net, const nn::Batch& batch, CascadeLossReport* report) {
    const auto samples = static_cast<double>(batch.at("0.moments").size(0));
    torch::Tensor total = torch::zeros({}), features;
    for (int octave = 0; batch.tensors.contains(fmt::format("{}.moments", octave)); ++octave) {
        const auto part = [&](const char* what) { return batch.at(fmt::format("{}.{}", octave, what)); };
        const torch::Tensor moments = part("moments");
        if (octave == 0) {
            features = net->coarse(moments, part("openness"));
        } else {
            const torch::Tensor parent = part("parent"), offset = part("offset");
            const torch::Tensor mask = active_mask(moments, parent_logits(net, features, parent, offset));
            features = net->fine(moments, net->context(features, parent, offset), mask);
        }
        const torch::Tensor logits = net->decode(features, part("queries"));
        const torch::Tensor loss = torch::binary_cross_entropy_with_logits(logits, part("occupancy"));
        total = total + loss * (static_cast<double>(moments.size(0)) / samples);
        if (report) {
            const torch::Tensor a = logits.detach() > 0, b = part("inside");
            const double both =
                (a & b).sum(1).to(torch::kFloat64).div((a | b).sum(1).clamp_min(1)).mean().item<double>();
            report->loss.push_back(loss.item<double>());
            report->iou.push_back(both);
            report->count.push_back(moments.size(0));
        }
    }
    return total;
}

torch::Tensor cascade_loss(CascadeNet& net, const std::vector<data::CascadeSample>& batch, CascadeLossReport* report) {
    return cascade_loss(net, data::cascade_batch(batch), report);
}

}  // namespace nir::models
