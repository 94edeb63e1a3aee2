// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/dvr/dvr_rays.h"

#include "nir/base/error.h"

#include <limits>

namespace nir::models {

using torch::Tensor;
using torch::indexing::Ellipsis;
using torch::indexing::Slice;

namespace {

constexpr std::int64_t kMostPoints = 1 << 17;  ///< asked at once while marching

/// matrix [B, 4, 4] * (points, 1) -> [B, N, 3], f64.
Tensor transformed(const Tensor& matrix, const Tensor& points) {
    const Tensor rotation = matrix.index({Ellipsis, Slice(0, 3), Slice(0, 3)});
    const Tensor shift = matrix.index({Ellipsis, Slice(0, 3), 3});
    return torch::matmul(points, rotation.transpose(1, 2)) + shift.unsqueeze(1);
}

Tensor chain(const DvrCameras& c) {
    return torch::matmul(c.camera.to(torch::kFloat64),
                         torch::matmul(c.world.to(torch::kFloat64), c.scale.to(torch::kFloat64)));
}

Tensor along(const DvrRays& rays, const Tensor& depth) { return rays.origins + rays.directions * depth.unsqueeze(-1); }

/// [B, N, steps] depths at which rays are sampled.
Tensor proposals(const DvrRays& rays, const DvrMarch& march) {
    const Tensor t = torch::linspace(0, 1, march.steps, rays.origins.options()).view({1, 1, march.steps});
    const Tensor bounds = march_bounds(rays, march), near = bounds.narrow(-1, 0, 1), far = bounds.narrow(-1, 1, 1);
    return near + t * (far - near);
}

/// The pictures [N] of places of which each of B has n.
Tensor pictures_of(std::int64_t pictures, std::int64_t n) {
    return torch::arange(pictures, torch::kInt64).repeat_interleave(n);
}

/// The values at all samples, some rays at a time. @return [B, N, steps]
Tensor sampled(const DvrField& field, const DvrRays& rays, const Tensor& depths) {
    const std::int64_t pictures = depths.size(0), n = depths.size(1), steps = depths.size(2);
    const std::int64_t most = std::max<std::int64_t>(1, kMostPoints / (steps * pictures));
    std::vector<Tensor> parts;
    for (std::int64_t first = 0; first < n; first += most) {
        const std::int64_t count = std::min(most, n - first);
        const Tensor d = depths.narrow(1, first, count);
        const Tensor points = rays.origins.narrow(1, first, count).unsqueeze(2) +
                              rays.directions.narrow(1, first, count).unsqueeze(2) * d.unsqueeze(-1);
        parts.push_back(field(points.reshape({-1, 3}), pictures_of(pictures, count * steps)).view(d.sizes()));
    }
    return torch::cat(parts, 1);
}

/// Shrinks brackets of the surface. @return [B, N]
Tensor refined(const DvrField& field, const DvrRays& rays, const DvrMarch& march, Tensor lo, Tensor hi, Tensor f_lo,
               Tensor f_hi) {
    const auto estimate = [&] { return march.bisection ? 0.5 * (lo + hi) : lo - f_lo * (hi - lo) / (f_hi - f_lo); };
    const Tensor picture = pictures_of(lo.size(0), lo.size(1));
    Tensor d = estimate();
    for (int i = 0; i < march.refinements; ++i) {
        const Tensor f = field(along(rays, d).view({-1, 3}), picture).view(d.sizes()) - march.level, below = f < 0;
        lo = torch::where(below, d, lo), f_lo = torch::where(below, f, f_lo);
        hi = torch::where(below, hi, d), f_hi = torch::where(below, f_hi, f);
        d = estimate();
    }
    return d;
}

}  // namespace

DvrRays rays_through(const DvrCameras& cameras, const Tensor& pixels) {
    const Tensor inverse = torch::inverse(chain(cameras));
    const Tensor at_one =
        torch::cat({pixels.to(torch::kFloat64), torch::ones_like(pixels.to(torch::kFloat64).narrow(-1, 0, 1))}, -1);
    const Tensor origin = transformed(inverse, torch::zeros({pixels.size(0), 1, 3}, torch::kFloat64));
    DvrRays rays;
    rays.directions = (transformed(inverse, at_one) - origin).to(pixels.scalar_type());
    rays.origins = origin.to(pixels.scalar_type()).expand_as(rays.directions);
    return rays;
}

Tensor camera_depth(const DvrCameras& cameras, const Tensor& points) {
    const Tensor m = chain(cameras).to(points.scalar_type());
    return transformed(m, points).index({Ellipsis, 2});
}

CubeHits intersect_cube(const DvrRays& rays, double padding) {
    constexpr double kTolerance = 1e-6;
    const double half = 0.5 * (1 + padding);
    const Tensor sides = torch::tensor({half, -half}, rays.origins.options()).view({1, 1, 2, 1});
    // Parameters at the planes: x, y, z at +half, then at -half.
    const Tensor t = ((sides - rays.origins.unsqueeze(2)) / rays.directions.unsqueeze(2)).flatten(2);
    const Tensor at = rays.origins.unsqueeze(2) + t.unsqueeze(-1) * rays.directions.unsqueeze(2);
    const Tensor on_cube = (at.abs() <= half + kTolerance).all(-1);  // false for NaN
    CubeHits out;
    out.hit = on_cube.sum(-1) == 2;
    const Tensor length = (at - rays.origins.unsqueeze(2)).norm(2, -1) / rays.directions.norm(2, -1, true);
    constexpr float kFar = std::numeric_limits<float>::max();
    const Tensor sorted = std::get<0>(torch::sort(torch::where(on_cube, length, torch::full_like(length, kFar)), -1));
    out.depths =
        torch::where(out.hit.unsqueeze(-1), sorted.narrow(-1, 0, 2), torch::zeros_like(sorted.narrow(-1, 0, 2)));
    return out;
}

Tensor march_bounds(const DvrRays& rays, const DvrMarch& march) {
    const auto shape = rays.origins.sizes();
    const Tensor plain = torch::tensor({march.near, march.far}, rays.origins.options()).expand({shape[0], shape[1], 2});
    if (!march.use_cube) return plain;
    const CubeHits cube = intersect_cube(rays, march.padding);
    return torch::where(cube.hit.unsqueeze(-1), cube.depths, plain);
}

std::int64_t scheduled_steps(std::int64_t iteration) {
    return iteration < 50000 ? 16 : iteration < 100000 ? 32 : iteration < 250000 ? 64 : 128;
}

Tensor first_surface(const DvrField& field, const DvrRays& rays, const DvrMarch& march) {
    NIR_CHECK(march.steps >= 2);
    const torch::NoGradGuard no_grad;
    const Tensor depths = proposals(rays, march), v = sampled(field, rays, depths) - march.level;
    const std::int64_t steps = march.steps;
    const Tensor left = v.narrow(-1, 0, steps - 1), right = v.narrow(-1, 1, steps - 1);
    const Tensor changes = (left.sign() * right.sign()) < 0;  // a value that is exactly zero is no change
    const Tensor first = changes.to(torch::kFloat32).argmax(-1, /*keepdim=*/true);
    const Tensor f_lo = left.gather(-1, first).squeeze(-1), f_hi = right.gather(-1, first).squeeze(-1);
    const Tensor inside = v.select(-1, 0) >= 0;
    const Tensor found = changes.any(-1) & (f_lo < 0) & ~inside;
    const Tensor lo = depths.gather(-1, first).squeeze(-1), hi = depths.gather(-1, first + 1).squeeze(-1);
    const Tensor d = refined(field, rays, march, lo, hi, f_lo, f_hi);
    const Tensor miss = torch::full_like(d, std::numeric_limits<float>::infinity());
    return torch::where(inside, torch::zeros_like(d), torch::where(found, d, miss));
}

DvrHits surface_hits(const DvrField& field, const DvrRays& rays, const Tensor& d, SlopeRule rule) {
    constexpr double kLeastSlope = 1e-3;
    DvrHits hits;
    hits.seen = torch::isfinite(d);
    hits.inside = d == 0;
    const Tensor hit = (hits.seen & ~hits.inside).flatten().nonzero().squeeze(1);
    hits.depth = torch::where(hits.seen, d, torch::ones_like(d));
    if (torch::GradMode::is_enabled() && hit.numel() > 0) {
        // d - (f - f) / slope: the value of d, the gradient of the implicit function.
        const Tensor at = along(rays, hits.depth).view({-1, 3}).index_select(0, hit).detach().requires_grad_(true);
        const Tensor f = field(at, hit.div(d.size(1), "floor"));
        const Tensor slopes = torch::autograd::grad({f.sum()}, {at}, {}, /*retain_graph=*/true)[0];
        Tensor slope = (slopes * rays.directions.reshape({-1, 3}).index_select(0, hit)).sum(-1);
        const Tensor least = torch::full_like(slope, kLeastSlope);
        const Tensor floor = rule == SlopeRule::keep_sign ? torch::where(slope < 0, -least, least) : least;
        slope = torch::where(slope.abs() < kLeastSlope, floor, slope);
        const Tensor flat = hits.depth.flatten();
        hits.depth = flat.scatter(0, hit, flat.index_select(0, hit) - (f - f.detach()) / slope).view(d.sizes());
    }
    hits.points = along(rays, hits.depth);
    return hits;
}

}  // namespace nir::models
