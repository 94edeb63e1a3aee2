// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

namespace nir::nn {

/// Squared distance of every point to the nearest of another set.
/// @param from [B,N,3], @param to [B,M,3]: both f32 or both f64, CPU; N = 0 is allowed, M = 0 only with N = 0.
/// @param index  if given, receives the nearest points [B,N] i32 (the first of several equally near).
/// @return [B,N]. Gradients reach both sets, with the choice of the nearest held fixed; at a tie they are those of the
/// first. All pairs are compared (kernels/chamfer.h); large f32 sets are searched with a k-d tree (geom/kd_tree.h),
/// where a tie may go to any. Repeatable with any number of threads.
/// @throws nir::Error (numeric) if a set that is searched with a tree is not finite.
torch::Tensor nearest_squared(const torch::Tensor& from, const torch::Tensor& to, torch::Tensor* index = nullptr);

/// Chamfer distance of sets of points: mean_i min_j |a_i - b_j|^2 + mean_j min_i |a_i - b_j|^2 (squared, the sum of
/// both means, as point set networks and AtlasNet train with it; nir evaluate prints other conventions beside their
/// names).
/// @param a [B,N,3], @param b [B,M,3], N, M >= 1.  @return [B]
/// Ref: fan2017 eq. 4, groueix2018 eq. 3.
torch::Tensor chamfer_distance(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace nir::nn
