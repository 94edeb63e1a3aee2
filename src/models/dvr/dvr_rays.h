// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>

// Rays and surfaces as differentiable volumetric rendering defines them. B pictures, N rays each; f32, or f64 where the
// pixels are.
namespace nir::models {

/// The cameras of a batch: p_cam = camera * world * scale * p, seen at (x / z, y / z) in [-1, 1]^2, (-1, -1) at the top
/// left, z forward. `scale` maps the cube of side 1 around 0 to the world of the data set. All [B, 4, 4].
/// Ref: niemeyer2020, appendix; docs/formats/frames.md.
struct DvrCameras {
    torch::Tensor camera, world, scale;
};

/// Rays through pixels, in the cube's frame. The direction goes to the point of the ray at depth 1 and is not
/// normalised: a ray's parameter is the depth z of the camera, in units of the data set.
struct DvrRays {
    torch::Tensor origins, directions;  ///< [B, N, 3]
};
/// @param pixels [B, N, 2]. The inverses are made in f64 (the papers' code: f32).
DvrRays rays_through(const DvrCameras& cameras, const torch::Tensor& pixels);
/// Depth z of points [B, N, 3] of the cube's frame.  @return [B, N]
torch::Tensor camera_depth(const DvrCameras& cameras, const torch::Tensor& points);

/// Where rays meet the cube of side 1 + padding around 0. Rays that meet an edge or a corner, or fewer than two faces,
/// miss. A cube behind the camera counts as in front of it, as in the papers' code.
struct CubeHits {
    torch::Tensor depths;  ///< [B, N, 2], near and far; 0 for a miss
    torch::Tensor hit;     ///< [B, N] bool
};
CubeHits intersect_cube(const DvrRays& rays, double padding = 0.1);

/// How the surface along a ray is searched.
struct DvrMarch {
    std::int64_t steps = 128;  ///< samples along a ray, both ends included; at least 2
    int refinements = 8;
    bool bisection = false;      ///< else regula falsi
    double near = 0, far = 2.4;  ///< for rays that miss the cube
    double padding = 0.1;        ///< of the cube
    bool use_cube = true;
    float level = 0;  ///< logit of the surface
    /// Of so many samples one is asked at first, and the others where the logit may get to the level in between: where
    /// it would have to change more than kSteepest times as fast as it does anywhere along the rays around, it is taken
    /// not to. 1: all are asked, as in the papers' code. For the march by the kernel.
    int stride = 1;
};
inline constexpr float kSteepest = 2;
/// Depths [B, N, 2] between which rays are sampled: the cube's, or those given.
torch::Tensor march_bounds(const DvrRays& rays, const DvrMarch& march);
/// Samples along a ray before an iteration of the training: 16, 32, 64, 128 from 0, 50k, 100k, 250k on.
std::int64_t scheduled_steps(std::int64_t iteration);

/// Logits [M] of points [M, 3] of pictures [M] (i64, 0 .. B-1).
using DvrField = std::function<torch::Tensor(const torch::Tensor& points, const torch::Tensor& picture)>;

/// Depth of the first place where a ray enters the surface, without gradients: [B, N]; infinity: it never does, or
/// comes from inside; 0: it starts inside. Only the first change of side counts. Ref: niemeyer2020 §3.3.
torch::Tensor first_surface(const DvrField& field, const DvrRays& rays, const DvrMarch& march);

/// What a ray sees.
struct DvrHits {
    torch::Tensor depth;   ///< [B, N]; 1 where nothing is hit; differentiable where `hit`
    torch::Tensor points;  ///< [B, N, 3]
    torch::Tensor seen;    ///< [B, N] bool: hit, or started inside
    torch::Tensor inside;  ///< [B, N] bool: started inside
};
/// What slopes along the ray below 1e-3 become in the implicit gradient.
enum class SlopeRule {
    positive,   ///< 1e-3, whatever their sign: as in the papers' code
    keep_sign,  ///< 1e-3 of their sign
};
/// What is seen at depths that first_surface() gave, with the gradient of implicit differentiation: at the surface f(o
/// + d w) = level, so dd/dtheta = -(df/dtheta) / (grad f . w).
/// @param field  with gradients to whatever it depends on
/// Ref: niemeyer2020 §3.3, eq. 12.
DvrHits surface_hits(const DvrField& field, const DvrRays& rays, const torch::Tensor& depth, SlopeRule rule);

}  // namespace nir::models
