// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace nir::test {

/// The generator of the golden vectors: reproducible numbers without any file. U(seed, j) in [0, 1).
inline double golden_uniform(std::uint64_t seed, std::uint64_t j) {
    std::uint64_t x = seed * 1000003 + j + 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    x ^= x >> 31;
    return static_cast<double>(x >> 11) * 0x1.0p-53;
}

/// Input tensor(seed, lo, hi), row-major, float32.
inline torch::Tensor golden_tensor(std::uint64_t seed, std::initializer_list<std::int64_t> shape, double lo,
                                   double hi) {
    torch::Tensor t = torch::empty(torch::IntArrayRef(shape.begin(), shape.size()), torch::kFloat32);
    float* p = t.data_ptr<float>();
    for (std::int64_t j = 0; j < t.numel(); ++j)
        p[j] = static_cast<float>(lo + (hi - lo) * golden_uniform(seed, static_cast<std::uint64_t>(j)));
    return t;
}

/// Fills parameters and buffers by the rule of the golden vectors: names sorted, tensor number t from seed 100 + t.
inline void golden_fill(torch::nn::Module& module) {
    std::vector<std::pair<std::string, torch::Tensor>> state;
    for (const auto& p : module.named_parameters()) state.emplace_back(p.key(), p.value());
    for (const auto& b : module.named_buffers()) state.emplace_back(b.key(), b.value());
    std::sort(state.begin(), state.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const torch::NoGradGuard no_grad;
    for (std::size_t t = 0; t < state.size(); ++t) {
        const auto& [name, tensor] = state[t];
        const std::string leaf = name.substr(name.rfind('.') + 1);
        if (leaf == "num_batches_tracked") continue;
        double scale = 0.1, offset = 0;
        if (leaf == "running_var") {
            scale = 0.5, offset = 1;
        } else if (leaf != "running_mean" && tensor.dim() >= 2) {
            scale = std::sqrt(3.0 * static_cast<double>(tensor.size(0)) / static_cast<double>(tensor.numel()));
        } else if (leaf == "weight") {
            offset = 1;
        }
        torch::Tensor values = torch::empty(tensor.sizes(), torch::kFloat32);
        float* p = values.data_ptr<float>();
        for (std::int64_t j = 0; j < values.numel(); ++j)
            p[j] =
                static_cast<float>(offset + scale * (2 * golden_uniform(100 + t, static_cast<std::uint64_t>(j)) - 1));
        tensor.copy_(values);
    }
}

}  // namespace nir::test
