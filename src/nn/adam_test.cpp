// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/adam.h"

#include "support/golden_fill.h"

#include <gtest/gtest.h>

namespace nir::nn {
namespace {

using test::golden_tensor;
using torch::Tensor;

std::vector<Tensor> parameters(torch::ScalarType type = torch::kFloat32) {
    std::vector<Tensor> out;
    for (const auto& shape : std::vector<std::vector<std::int64_t>>{{3, 5}, {70000}, {1}, {4, 2, 1}})
        out.push_back(torch::linspace(-1, 1, c10::multiply_integers(shape)).view(shape).to(type).requires_grad_(true));
    return out;
}

/// Some loss of the parameters; the third one takes part in every other step only.
Tensor loss_of(const std::vector<Tensor>& p, int step) {
    Tensor sum = (p[0].square().sum() - 0.3).square() + (p[1] * 0.01).sin().sum() + (p[3] + 0.1).pow(3).sum();
    return step % 2 == 0 ? sum + p[2].square().sum() : sum;
}

TEST(Adam, TenStepsAreTorchs) {
    for (const auto type : {torch::kFloat32, torch::kFloat64}) {
        auto ours = parameters(type), theirs = parameters(type);
        Adam adam(ours);
        torch::optim::Adam torchs(theirs, torch::optim::AdamOptions(1e-2));
        for (int step = 0; step < 10; ++step) {
            adam.zero_grad(), torchs.zero_grad();
            const double lr = 1e-2 / (1 + step);
            for (auto& group : torchs.param_groups()) static_cast<torch::optim::AdamOptions&>(group.options()).lr(lr);
            loss_of(ours, step).backward(), loss_of(theirs, step).backward();
            adam.step(lr), torchs.step();
        }
        const double tolerance = type == torch::kFloat32 ? 1e-6 : 1e-13;
        for (std::size_t i = 0; i < ours.size(); ++i) {
            EXPECT_TRUE(torch::allclose(ours[i], theirs[i], tolerance, tolerance))
                << i << ": " << (ours[i] - theirs[i]).abs().max();
            EXPECT_EQ(adam.state(i).step, 10);
        }
    }
}

TEST(Adam, GradientNormAndScaleAreThoseOfClipping) {
    auto ours = parameters(), theirs = parameters();
    Adam adam(ours);
    torch::optim::Adam torchs(theirs, torch::optim::AdamOptions(1e-2));
    EXPECT_EQ(adam.gradient_norm(), 0.0);
    loss_of(ours, 0).backward(), loss_of(theirs, 0).backward();
    const double norm = torch::nn::utils::clip_grad_norm_(theirs, 0.05);
    EXPECT_NEAR(adam.gradient_norm(), norm, 1e-5 * norm);
    ASSERT_GT(norm, 0.05);
    adam.step(1e-2, 0.05 / (norm + 1e-6)), torchs.step();
    for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_TRUE(torch::allclose(ours[i], theirs[i], 1e-6, 1e-6)) << i;
}

TEST(Adam, WhatNoGradientReachesStays) {
    auto p = parameters();
    Adam adam(p);
    loss_of(p, 1).backward();
    const Tensor before = p[2].detach().clone();
    adam.step(1e-2);
    EXPECT_TRUE(torch::equal(p[2], before));
    EXPECT_EQ(adam.state(2).step, 0);
    EXPECT_FALSE(adam.state(2).mean.defined());
    EXPECT_EQ(adam.state(0).step, 1);
}

TEST(Adam, SameBitsWithAnyNumberOfThreads) {
    const auto run = [](int threads) {
        torch::set_num_threads(1);  // torch's own cosine depends on it
        auto p = parameters();
        Adam adam(p);
        loss_of(p, 0).backward();
        torch::set_num_threads(threads);
        const double norm = adam.gradient_norm();
        adam.step(1e-2);
        torch::set_num_threads(1);
        return std::pair(norm, p[1].detach().clone());
    };
    const auto [a, x] = run(1);
    const auto [b, y] = run(3);
    EXPECT_EQ(a, b);
    EXPECT_TRUE(torch::equal(x, y));
}

}  // namespace
}  // namespace nir::nn
