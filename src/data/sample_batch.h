// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include "nir/nn/batch.h"

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace nir::data {

/// Puts a member of all samples, numbers or [N,3], into the batch as [B,N] or [B,N,3]; nothing if a sample has none.
template <class Sample, class Member>
void put_rows(nn::Batch& batch, const char* name, const std::vector<Sample>& samples, Member member, bool vectors) {
    std::vector<torch::Tensor> rows;
    for (const Sample& s : samples) {
        const std::vector<float>& v = s.*member;
        if (v.empty()) return;
        const auto n = static_cast<std::int64_t>(v.size());
        const torch::Tensor row = torch::from_blob(const_cast<float*>(v.data()), {n});
        rows.push_back(vectors ? row.view({n / 3, 3}) : row);
    }
    batch[name] = torch::stack(rows);
}

}  // namespace nir::data
