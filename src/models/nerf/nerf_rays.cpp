// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/nerf/nerf_rays.h"

#include "nir/base/error.h"

namespace nir::models {

using torch::Tensor;
using torch::indexing::Ellipsis;
using torch::indexing::None;
using torch::indexing::Slice;

namespace {

Tensor middles(const Tensor& depths) {
    return 0.5 * (depths.index({Ellipsis, Slice(1, None)}) + depths.index({Ellipsis, Slice(None, -1)}));
}

/// [R, S, 4] at the samples of rays.
Tensor ask(NerfNet net, const Tensor& origins, const Tensor& directions, const Tensor& viewed, const Tensor& depths) {
    const Tensor points = origins.unsqueeze(1) + directions.unsqueeze(1) * depths.unsqueeze(2);
    const std::int64_t rays = depths.size(0), samples = depths.size(1);
    const Tensor seen = viewed.unsqueeze(1).expand({rays, samples, 3}).reshape({-1, 3});
    return net(points.reshape({-1, 3}), seen).index({Ellipsis, Slice(None, 4)}).view({rays, samples, 4});
}

}  // namespace

Tensor stratified_depths(const Tensor& near, const Tensor& far, std::int64_t samples, bool linear_in_disparity,
                         const Tensor& u) {
    const Tensor t = torch::linspace(0, 1, samples, near.options());
    const Tensor depths = linear_in_disparity ? 1 / (1 / near * (1 - t) + 1 / far * t) : near * (1 - t) + far * t;
    if (!u.defined()) return depths;
    const Tensor mid = middles(depths);
    const Tensor upper = torch::cat({mid, depths.index({Ellipsis, Slice(-1, None)})}, -1);
    const Tensor lower = torch::cat({depths.index({Ellipsis, Slice(None, 1)}), mid}, -1);
    return lower + (upper - lower) * u;
}

Tensor sample_depths(const Tensor& bins, const Tensor& weights, const Tensor& u) {
    const torch::NoGradGuard no_grad;
    constexpr double kFloor = 1e-5;  // no weight is zero; and a bin narrower than this in the cdf counts as one
    const Tensor w = weights + kFloor, cdf_ends = torch::cumsum(w / w.sum(-1, true), -1);
    const Tensor cdf = torch::cat({torch::zeros_like(cdf_ends.index({Ellipsis, Slice(None, 1)})), cdf_ends}, -1);
    const Tensor found = torch::searchsorted(cdf, u.contiguous(), /*out_int32=*/false, /*right=*/true);
    const Tensor below = (found - 1).clamp_min(0), above = found.clamp_max(cdf.size(-1) - 1);
    const Tensor cdf_below = cdf.gather(-1, below), bin_below = bins.gather(-1, below);
    Tensor width = cdf.gather(-1, above) - cdf_below;
    width = torch::where(width < kFloor, torch::ones_like(width), width);
    return bin_below + (u - cdf_below) / width * (bins.gather(-1, above) - bin_below);
}

Tensor NerfMaps::disparity() const { return 1 / (depth / weights.sum(-1)).clamp_min(1e-10); }

NerfMaps composite(const Tensor& raw, const Tensor& depths, const Tensor& directions, bool white_background,
                   const Tensor& noise) {
    constexpr double kInfinity = 1e10;
    const Tensor last = torch::full_like(depths.index({Ellipsis, Slice(None, 1)}), kInfinity);
    const Tensor steps = torch::cat({depths.diff(), last}, -1) * directions.norm(2, -1, true);
    Tensor density = raw.index({Ellipsis, 3});
    if (noise.defined()) density = density + noise;
    const Tensor alpha = 1 - torch::exp(-density.relu() * steps);
    const Tensor through = torch::cumprod(1 - alpha + 1e-10, -1);  // beyond each sample
    const Tensor before = torch::cat({torch::ones_like(last), through.index({Ellipsis, Slice(None, -1)})}, -1);
    NerfMaps maps;
    maps.weights = alpha * before;
    maps.rgb = (maps.weights.unsqueeze(-1) * raw.index({Ellipsis, Slice(None, 3)}).sigmoid()).sum(-2);
    maps.depth = (maps.weights * depths).sum(-1);
    maps.opacity = maps.weights.sum(-1);
    if (white_background) maps.rgb = maps.rgb + (1 - maps.opacity.unsqueeze(-1));
    return maps;
}

NerfRendering render_rays(NerfNet coarse, NerfNet fine, const Tensor& origins, const Tensor& directions,
                          const Tensor& viewed, const NerfSampling& sampling, const NerfDraws& draws) {
    NIR_CHECK(origins.sizes() == directions.sizes() && origins.sizes() == viewed.sizes() && origins.size(1) == 3);
    const Tensor near = torch::full({origins.size(0), 1}, sampling.near, origins.options());
    const Tensor far = torch::full({origins.size(0), 1}, sampling.far, origins.options());
    const Tensor depths = stratified_depths(near, far, sampling.coarse, sampling.linear_in_disparity, draws.coarse_u);
    NerfRendering out;
    out.raw = ask(coarse, origins, directions, viewed, depths);
    out.coarse = out.fine = composite(out.raw, depths, directions, sampling.white_background, draws.coarse_noise);
    if (sampling.fine == 0) return out;
    Tensor u = draws.fine_u;
    if (!u.defined()) u = torch::linspace(0, 1, sampling.fine, origins.options()).expand({origins.size(0), -1});
    const Tensor drawn = sample_depths(middles(depths), out.coarse.weights.index({Ellipsis, Slice(1, -1)}), u);
    const Tensor all = std::get<0>(torch::sort(torch::cat({depths, drawn}, -1), -1));
    out.raw = ask(fine, origins, directions, viewed, all);
    out.fine = composite(out.raw, all, directions, sampling.white_background, draws.fine_noise);
    out.spread = drawn.std(-1, /*unbiased=*/false);
    return out;
}

}  // namespace nir::models
