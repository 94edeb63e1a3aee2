// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <array>
#include <cstdint>

namespace nir::test {

/// What is known of a tensor.
struct GoldenRow {
    std::int64_t numel;
    std::array<double, 4> first;
    double last, sum, squares;
};

/// Rows are printed with six decimals; values agree to 1e-4 of the largest.
inline void expect_row(const torch::Tensor& t, const GoldenRow& row) {
    const torch::Tensor flat = t.detach().contiguous().view(-1).to(torch::kFloat64);
    ASSERT_EQ(flat.numel(), row.numel);
    const double scale = flat.abs().max().item<double>();
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(flat[static_cast<std::int64_t>(i)].item<double>(), row.first[i], 1e-4 * scale + 1e-6);
    EXPECT_NEAR(flat[-1].item<double>(), row.last, 1e-4 * scale + 1e-6);
    EXPECT_NEAR(flat.sum().item<double>(), row.sum, 1e-5 * flat.abs().sum().item<double>() + 1e-3);
    EXPECT_NEAR(flat.square().sum().item<double>(), row.squares, 1e-4 * row.squares + 1e-3);
}

}  // namespace nir::test
