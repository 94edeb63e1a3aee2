// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/dvr/dvr_loss.h"

#include "nir/base/error.h"

namespace nir::models {

using torch::Tensor;
namespace F = torch::nn::functional;

namespace {

constexpr double kNormalStep = 1e-3;  ///< of the differences, and side of the cube of the neighbours

Tensor occupancy_of(DvrDecoder& decoder, const Tensor& p, const Tensor& code) { return decoder(p, code).select(-1, 0); }

/// Binary cross entropy of the chosen logits with one label, summed.
Tensor side_loss(const Tensor& logits, const Tensor& mask, bool occupied) {
    const Tensor chosen = logits.masked_select(mask);
    return (occupied ? F::softplus(-chosen) : F::softplus(chosen)).sum();
}

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

/// How far normals turn from points to their neighbours.
Tensor normal_loss(DvrDecoder decoder, const Tensor& code, const DvrHits& hits, Tensor noise) {
    const Tensor rows = hits.seen.nonzero().select(1, 0), p = hits.points.detach().index({hits.seen}).unsqueeze(1);
    if (!noise.defined()) noise = torch::rand({p.size(0), 3}, p.options());
    // A row each, with the code of its picture.
    const Tensor codes = code.index_select(0, rows);
    const DvrField field = [&](const Tensor& q) { return occupancy_of(decoder, q, codes); };
    const Tensor near = p + (noise.unsqueeze(1) - 0.5) * kNormalStep;
    return (logit_normals(field, p) - logit_normals(field, near)).norm(2, -1).sum();
}

}  // namespace

Tensor look_up(const Tensor& image, const Tensor& pixels) {
    const Tensor found = F::grid_sample(
        image, pixels.unsqueeze(1),
        F::GridSampleFuncOptions().mode(torch::kNearest).padding_mode(torch::kZeros).align_corners(false));
    return found.squeeze(2).transpose(1, 2);
}

Tensor logit_normals(const DvrField& field, const Tensor& p) {
    std::vector<Tensor> slopes;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
        Tensor step = torch::zeros({3}, p.options());
        step[axis] = 0.5 * kNormalStep;
        slopes.push_back(field(p + step) - field(p - step));
    }
    const Tensor n = torch::stack(slopes, -1);
    return n / n.norm(2, -1, true).clamp_min(1e-5);
}

DvrLoss dvr_loss(DvrDecoder decoder, const Tensor& code, const DvrCameras& cameras, const DvrSamples& samples,
                 const DvrTargets& targets, const DvrMarch& march, SlopeRule rule, const DvrWeights& weights) {
    const DvrRays rays = rays_through(cameras, samples.pixels);
    const DvrField field = [&](const Tensor& p) { return occupancy_of(decoder, p, code); };
    const DvrHits hits = surface_hits(field, rays, march, rule);
    const Tensor object = look_up(targets.mask.unsqueeze(1), samples.pixels).squeeze(-1) > 0.5;
    const Tensor both = hits.seen & object;
    const double pictures = static_cast<double>(samples.pixels.size(0));

    DvrLoss out;
    out.total = torch::zeros({}, samples.pixels.options());
    const auto add = [&](double weight, const Tensor& sum) {
        const Tensor term = weight / pictures * sum;
        out.total = out.total + term;
        return term.item<double>();
    };
    if (decoder->config().out_dim == 4) {
        const Tensor rgb = decoder(hits.points, code).narrow(-1, 1, 3).sigmoid();
        const Tensor truth = look_up(targets.image, samples.pixels);
        if (weights.rgb > 0) out.rgb = add(weights.rgb, (rgb - truth).abs().index({both}).sum());
        if (weights.image_gradient > 0) {
            NIR_CHECK(weights.patch > 1);
            out.image_gradient = add(weights.image_gradient, image_gradient_loss(rgb, truth, both, weights.patch));
        }
    }
    if (weights.depth > 0) {
        NIR_CHECK(targets.depth.defined());
        const Tensor truth = look_up(targets.depth.unsqueeze(1), samples.pixels).squeeze(-1);
        const Tensor known = both & torch::isfinite(truth);
        const Tensor apart =
            weights.depth_on_points
                ? (hits.points - (rays.origins + rays.directions * truth.unsqueeze(-1))).index({known}).norm(2, -1)
                : (camera_depth(cameras, hits.points) - truth).index({known}).abs();
        out.depth = add(weights.depth, apart.sum());
    }
    if (weights.normal > 0 && hits.seen.any().item<bool>())
        out.normal = add(weights.normal, normal_loss(decoder, code, hits, samples.normal_noise));
    if (weights.freespace > 0) {
        const Tensor p = torch::where(hits.seen.unsqueeze(-1), hits.points.detach(), samples.freespace);
        out.freespace = add(weights.freespace, side_loss(field(p), ~object, false));
    }
    if (weights.occupancy > 0)
        out.occupancy = add(weights.occupancy, side_loss(field(samples.occupancy), ~hits.seen & object, true));
    out.mask_agreement = (hits.seen == object).to(torch::kFloat32).mean().item<double>();
    return out;
}

}  // namespace nir::models
