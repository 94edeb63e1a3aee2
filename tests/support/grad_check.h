// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace nir::test {

/// Compares autograd with central differences in double for a scalar function of one tensor, in place so that
/// parameters can be checked too. Checks at most `max_entries` entries, spread over the tensor.
/// @param x  float64; its values are restored. @param kink_share  part of the entries that may disagree: a difference
///           that steps over a kink (ReLU, max pooling, cell border) is wrong, not the gradient.
inline void expect_gradients_in_place(const std::function<torch::Tensor()>& f, torch::Tensor x, double kink_share = 0,
                                      std::int64_t max_entries = 64, double tolerance = 1e-6) {
    ASSERT_EQ(x.scalar_type(), torch::kFloat64);
    x.requires_grad_(true);
    const auto grads = torch::autograd::grad({f()}, {x}, {}, c10::nullopt, false, /*allow_unused=*/true);
    const torch::Tensor dL_dx =
        grads[0].defined() ? grads[0].contiguous().view(-1) : torch::zeros({x.numel()}, torch::kFloat64);
    const torch::NoGradGuard no_grad;
    torch::Tensor flat = x.detach().view(-1);
    const double h = 1e-6;
    const double scale = std::max(1e-3, dL_dx.numel() ? dL_dx.abs().max().item<double>() : 0.0);
    const std::int64_t step = std::max<std::int64_t>(1, flat.numel() / max_entries);
    std::int64_t checked = 0, wrong = 0;
    double worst = 0;
    for (std::int64_t i = 0; i < flat.numel(); i += step, ++checked) {
        const double at = flat[i].item<double>();
        flat[i] = at + h;
        const double hi = f().item<double>();
        flat[i] = at - h;
        const double lo = f().item<double>();
        flat[i] = at;
        const double error = std::abs((hi - lo) / (2 * h) - dL_dx[i].item<double>()) / scale;
        worst = std::max(worst, error);
        if (!(error < tolerance * 10)) ++wrong;
    }
    EXPECT_LE(static_cast<double>(wrong), kink_share * static_cast<double>(checked))
        << "largest relative error " << worst;
}

inline void expect_gradients(const std::function<torch::Tensor(const torch::Tensor&)>& f, const torch::Tensor& x,
                             double kink_share = 0) {
    torch::Tensor y = x.clone();
    expect_gradients_in_place([&] { return f(y); }, y, kink_share);
}

}  // namespace nir::test
