// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/dvr/dvr_loss.h"

#include "nir/base/error.h"

namespace nir::models {

using torch::Tensor;
namespace F = torch::nn::functional;

namespace {

constexpr double kNormalStep = 1e-3;  ///< of the differences, and side of the cube of the neighbours

/// Differences of neighbouring pixels of a patch, along both sides from its corner, prediction against picture: the
/// length of the difference of both, a channel each. @param rgb, truth [B, N, 3]; mask [B, N]
Tensor image_gradient_loss(const Tensor& rgb, const Tensor& truth, const Tensor& mask, std::int64_t patch) {
    const auto as_patches = [&](const Tensor& x) { return x.view({-1, patch, patch, x.size(-1)}); };
    const Tensor apart = as_patches(rgb - truth);
    const Tensor whole = mask.reshape({-1, patch * patch}).all(-1);
    const Tensor corner = apart.select(1, 0).select(1, 0);
    const Tensor down = apart.select(1, 1).select(1, 0) - corner, right = apart.select(1, 0).select(1, 1) - corner;
    const Tensor both = torch::stack({down, right}, -1).index({whole});
    return both.norm(2, -1).sum();
}

/// Rows [M, ...] of the rays [B, N, ...] in `which` (flat places).
Tensor rows(const Tensor& x, const Tensor& which) { return x.flatten(0, 1).index_select(0, which); }

/// The decoder for a step, with the pictures of flat places.
struct Asked {
    DvrDecoder decoder;
    Tensor code;
    std::int64_t pixels;

    Tensor picture(const Tensor& which) const { return which.div(pixels, "floor"); }
    Tensor all(const Tensor& p, const Tensor& which) { return decoder->at_points(p, picture(which), code); }
    Tensor logits(const Tensor& p, const Tensor& which) { return all(p, which).select(-1, 0); }
};

/// Directions in which the logit grows at K places of each ray. p [K, M, 3]
Tensor logit_normals(Asked& ask, const Tensor& p, const Tensor& which, bool exact) {
    const auto normalised = [](const Tensor& n) { return n / n.norm(2, -1, true).clamp_min(1e-5); };
    if (exact) {
        const Tensor picture = ask.picture(which.repeat({p.size(0)}));
        return normalised(ask.decoder->logit_gradients(p.reshape({-1, 3}), picture, ask.code).view(p.sizes()));
    }
    const Tensor step = 0.5 * kNormalStep * torch::eye(3, p.options());
    const Tensor at = torch::cat({p.unsqueeze(0) + step.view({3, 1, 1, 3}), p.unsqueeze(0) - step.view({3, 1, 1, 3})});
    const std::int64_t copies = at.size(0) * at.size(1);
    const Tensor f = ask.logits(at.view({-1, 3}), which.repeat({copies})).view({2, 3, p.size(0), p.size(1)});
    return normalised((f[0] - f[1]).permute({1, 2, 0}));
}

/// How far normals turn from points [M, 3] to their neighbours.
Tensor normal_loss(Asked& ask, const Tensor& p, const Tensor& which, Tensor noise, bool exact) {
    if (!noise.defined()) noise = torch::rand(p.sizes(), p.options());
    const Tensor n = logit_normals(ask, torch::stack({p, p + (noise - 0.5) * kNormalStep}), which, exact);
    return (n[0] - n[1]).norm(2, -1).sum();
}

}  // namespace

Tensor look_up(const Tensor& image, const Tensor& pixels) {
    const Tensor found = F::grid_sample(
        image, pixels.unsqueeze(1),
        F::GridSampleFuncOptions().mode(torch::kNearest).padding_mode(torch::kZeros).align_corners(false));
    return found.squeeze(2).transpose(1, 2);
}

DvrLoss dvr_loss(DvrDecoder decoder, const Tensor& code, const DvrRays& rays, const Tensor& first,
                 const DvrSamples& samples, const DvrTargets& targets, SlopeRule rule, const DvrWeights& weights,
                 const std::optional<DvrSparse>& sparse) {
    const std::int64_t pictures = first.size(0), pixels = first.size(1);
    Asked ask{decoder, code, pixels};
    const DvrField field = [&](const Tensor& p, const Tensor& picture) {
        return decoder->at_points(p, picture, code).select(-1, 0);
    };
    const DvrHits hits = surface_hits(field, rays, first, rule);
    const Tensor object = targets.object, both = hits.seen & object;
    const auto places = [](const Tensor& mask) { return mask.flatten().nonzero().squeeze(1); };
    const Tensor which_both = places(both), which_seen = places(hits.seen);

    DvrLoss out;
    out.total = torch::zeros({}, rays.origins.options());
    const auto add = [&](double weight, const Tensor& sum) {
        const Tensor term = weight / static_cast<double>(pictures) * sum;
        out.total = out.total + term;
        return term.item<double>();
    };
    if (decoder->config().out_dim == 4) {
        // Patches need all their pixels.
        const bool patches = weights.image_gradient > 0;
        const Tensor which = patches ? which_seen : which_both;
        const Tensor rgb = ask.all(rows(hits.points, which), which).narrow(-1, 1, 3).sigmoid();
        const Tensor whole = torch::zeros({pictures * pixels, 3}, rgb.options()).index_copy(0, which, rgb);
        const Tensor apart = whole.index_select(0, which_both) - rows(targets.rgb, which_both);
        if (weights.rgb > 0) out.rgb = add(weights.rgb, apart.abs().sum());
        out.rgb_mse = apart.detach().square().mean().item<double>();
        if (patches) {
            NIR_CHECK(weights.patch > 1);
            out.image_gradient = add(weights.image_gradient,
                                     image_gradient_loss(whole.view_as(targets.rgb), targets.rgb, both, weights.patch));
        }
    }
    const auto depth_sum = [&](const DvrHits& found, const DvrRays& through, const Tensor& counts,
                               const Tensor& depth) {
        const Tensor known = places(counts & torch::isfinite(depth));
        Tensor apart = (rows(found.depth, known) - rows(depth, known)).abs();
        if (weights.depth_on_points) apart = apart * rows(through.directions, known).norm(2, -1);
        return apart.sum();
    };
    if (weights.depth > 0) {
        NIR_CHECK(targets.depth.defined());
        out.depth = add(weights.depth, depth_sum(hits, rays, both, targets.depth));
    }
    if (weights.sparse_depth > 0) {
        NIR_CHECK(sparse);
        const DvrHits there = surface_hits(field, sparse->rays, sparse->first, rule);
        out.sparse_depth = add(weights.sparse_depth, depth_sum(there, sparse->rays, there.seen, sparse->depth));
    }
    if (weights.normal > 0 && which_seen.numel() > 0)
        out.normal = add(weights.normal, normal_loss(ask, rows(hits.points.detach(), which_seen), which_seen,
                                                     samples.normal_noise, weights.exact_normals));
    const Tensor empty = places(~object), filled = places(~hits.seen & object);
    const Tensor seen_empty = rows(hits.seen, empty).unsqueeze(-1);
    const Tensor at_empty = torch::where(seen_empty, rows(hits.points.detach(), empty), rows(samples.freespace, empty));
    const Tensor sides =
        ask.logits(torch::cat({at_empty, rows(samples.occupancy, filled)}), torch::cat({empty, filled}));
    if (weights.freespace > 0)
        out.freespace = add(weights.freespace, F::softplus(sides.narrow(0, 0, empty.numel())).sum());
    if (weights.occupancy > 0)
        out.occupancy = add(weights.occupancy, F::softplus(-sides.narrow(0, empty.numel(), filled.numel())).sum());
    out.mask_agreement = (hits.seen == object).to(torch::kFloat32).mean().item<double>();
    const double either = (hits.seen | object).sum().item<double>();
    out.mask_iou = either > 0 ? both.sum().item<double>() / either : 1;
    return out;
}

}  // namespace nir::models
