// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

namespace nir::models {

/// Windows of half the side, cut out of volumes and upsampled by 2, trilinearly, cell centres to cell centres; beyond
/// the border the last cell counts. With gradients; deterministic whatever the number of threads.
/// @param features [B, C, n, n, n] f32 on the CPU  @param parent [M] i64, rows of features
/// @param offset [M, 3] i64, (x, y, z) of the window's first cell  @return [M, C, n, n, n]
torch::Tensor window_context(const torch::Tensor& features, const torch::Tensor& parent, const torch::Tensor& offset);

}  // namespace nir::models
