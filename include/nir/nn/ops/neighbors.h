// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace nir::nn {

/// Farthest point sampling: each next centre is the point farthest from all centres so far; of equally far ones the
/// first. @param points [B,N,3] f32 or f64, N >= 1; numbers are the same for both.
/// @param first [B] int64, the first centre.  @return [B,n] int64; repeats centres when all points are taken.
/// Ref: qi2017b §3.2.
torch::Tensor farthest_points(const torch::Tensor& points, const torch::Tensor& first, std::int64_t n);

/// Squared distances [B,N,M] as |a|^2 + |b|^2 - 2 a.b: the form of the papers' code, whose rounding (1e-7 of the
/// coordinates' squares, also below 0) its networks were trained with.
torch::Tensor squared_distances(const torch::Tensor& a, const torch::Tensor& b);

/// Up to k points within a radius of each centre, the first ones in the order of the cloud; missing ones repeat the
/// first. A centre without any gets point 0.
/// @param squared [B,S,N] distances of centres to points.  @return [B,S,k] int64
torch::Tensor ball_neighbors(const torch::Tensor& squared, double radius, std::int64_t k);

/// rows[b, index[b,...], :]. @param rows [B,N,C]  @param index [B,...] int64  @return [B,...,C]
torch::Tensor gather_rows(const torch::Tensor& rows, const torch::Tensor& index);

}  // namespace nir::nn
