// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// The two searches behind nearest_squared(); both run in parallel and give the same with any number of threads.
#pragma once

#include <ATen/core/Tensor.h>
#include <cstdint>

namespace nir::nn {

/// Points of `to` from which on a tree is faster than comparing all pairs, if there are as many queries: measured by
/// bench/chamfer_bench.cpp (docs/methods/representations.md).
inline constexpr std::int64_t kTreeTargets = 8192;

/// @param from [B,N,3], to [B,M,3]: contiguous, both f32 or both f64. @param squared [B,N], index [B,N] i32:
/// overwritten.
void nearest_of_all_pairs(const at::Tensor& from, const at::Tensor& to, at::Tensor& squared, at::Tensor& index);
/// The same for f32 and M >= 1 with a k-d tree; a tie may go to any. @throws nir::Error (numeric) if a point is not
/// finite.
void nearest_by_tree(const at::Tensor& from, const at::Tensor& to, at::Tensor& squared, at::Tensor& index);

}  // namespace nir::nn
