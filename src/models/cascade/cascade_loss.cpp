// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/cascade_loss.h"

#include "nir/data/cascade_batch.h"

#include <fmt/format.h>

namespace nir::models {
namespace {

/// Features of a child window: the parent's, cut out with one cell around (replicated at the border), upsampled by 2.
/// Appends the logits [n/2, n/2, n/2] of the parent's cells there.
torch::Tensor child_context(CascadeNet& net, const torch::Tensor& parent, const std::int64_t* offset,
                            std::vector<torch::Tensor>& logits) {
    const std::int64_t half = parent.size(1) / 2;
    namespace F = torch::nn::functional;
    torch::Tensor p = F::pad(parent.unsqueeze(0), F::PadFuncOptions({1, 1, 1, 1, 1, 1}).mode(torch::kReplicate));
    for (std::int64_t axis = 0; axis < 3; ++axis) p = p.narrow(4 - axis, offset[axis], half + 2);
    {
        const torch::NoGradGuard no_grad;
        torch::Tensor inner = p.squeeze(0);
        for (std::int64_t axis = 1; axis < 4; ++axis) inner = inner.narrow(axis, 1, half);
        logits.push_back(net->decode_features(inner.permute({1, 2, 3, 0})));
    }
    p = upsample_octave(p);
    for (std::int64_t axis = 2; axis < 5; ++axis) p = p.narrow(axis, 2, 2 * half);
    return p.squeeze(0);
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
            std::vector<torch::Tensor> context, coarser;
            for (std::int64_t i = 0; i < moments.size(0); ++i)
                context.push_back(child_context(net, features[parent.data_ptr<std::int64_t>()[i]],
                                                offset.data_ptr<std::int64_t>() + 3 * i, coarser));
            features = net->fine(moments, torch::stack(context), active_mask(moments, torch::stack(coarser)));
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
