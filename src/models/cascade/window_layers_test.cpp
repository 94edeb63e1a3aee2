// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "models/cascade/window_layers.h"

#include "nir/base/parallel.h"
#include "nir/nn/seeded.h"

#include "models/cascade/cascade_net.h"

#include <gtest/gtest.h>

namespace nir::models {
namespace {

using torch::Tensor;

class WindowLayers : public testing::Test {
protected:
    nn::SeededScope seeded_{5};
    // At the border, in the middle, two windows of one volume; a volume without a window.
    Tensor features_ = torch::randn({3, 4, 16, 16, 16}), g_ = torch::randn({3, 4, 16, 16, 16});
    Tensor parent_ = torch::tensor({2, 0, 0}, torch::kInt64);
    Tensor offset_ = torch::tensor({0, 8, 3, 5, 0, 8, 4, 4, 4}, torch::kInt64).view({3, 3});
};

/// Value and gradient of sum(g * f(features)).
template <class F>
std::pair<Tensor, Tensor> slopes(const Tensor& features, const Tensor& g, const F& f) {
    const Tensor x = features.detach().clone().requires_grad_(true);
    const Tensor y = f(x);
    (y * g).sum().backward();
    return {y.detach(), x.grad()};
}

TEST_F(WindowLayers, ContextIsThatOfTorchInDouble) {
    CascadeNet net(CascadeConfig{});
    net->use_plain_operators(true);
    const auto got = slopes(features_, g_, [&](const Tensor& x) { return window_context(x, parent_, offset_); });
    const auto want = slopes(features_.to(torch::kFloat64), g_.to(torch::kFloat64),
                             [&](const Tensor& x) { return net->context(x, parent_, offset_); });
    EXPECT_LT((got.first - want.first).abs().max().item<double>(), 1e-5);
    EXPECT_LT((got.second - want.second).abs().max().item<double>(), 1e-5);
    EXPECT_EQ(got.second[1].abs().max().item<double>(), 0);
}

TEST_F(WindowLayers, GradientIsTheSlopeWhateverTheNumberOfThreads) {
    const auto f = [&](const Tensor& x) { return window_context(x, parent_, offset_); };
    const int before = threads();
    set_threads(1);
    const auto one = slopes(features_, g_, f);
    set_threads(3);
    const auto three = slopes(features_, g_, f);
    set_threads(before);
    EXPECT_TRUE(torch::equal(one.first, three.first) && torch::equal(one.second, three.second));
    const Tensor along = torch::randn(features_.sizes());  // f is linear
    const double rise = ((f(features_ + along) - f(features_)) * g_).sum().item<double>();
    EXPECT_NEAR(rise, (along * one.second).sum().item<double>(), 1e-3 * (1 + std::abs(rise)));
}

}  // namespace
}  // namespace nir::models
