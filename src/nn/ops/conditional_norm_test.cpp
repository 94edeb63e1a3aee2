// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/conditional_norm.h"

#include "support/golden_fill.h"
#include "support/grad_check.h"

#include <gtest/gtest.h>

namespace nir::nn {
namespace {

using test::golden_tensor;
using torch::Tensor;

/// The same of torch's own operations.
Tensor composed(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
    const Tensor y = torch::batch_norm(x.transpose(1, 2), {}, {}, {}, {}, true, 0.1, eps, false).transpose(1, 2);
    return (y * gamma.unsqueeze(1) + beta.unsqueeze(1)).relu();
}

struct Case {
    std::int64_t batch, points, channels;
};

TEST(ConditionalNorm, EqualsTorchsOperations) {
    for (const Case& c : {Case{3, 200, 7}, Case{1, 2, 1}, Case{2, 64, 33}, Case{5, 65, 4}}) {
        // A channel far from 0 must not lose its variance.
        Tensor x = golden_tensor(1, {c.batch, c.points, c.channels}, -1, 2);
        x.select(2, 0).add_(50);
        const Tensor gamma = golden_tensor(2, {c.batch, c.channels}, -2, 2);
        const Tensor beta = golden_tensor(3, {c.batch, c.channels}, -1, 1);
        const Tensor w = golden_tensor(4, {c.batch, c.points, c.channels}, -1, 1);
        Tensor ours[3], theirs[3];
        const Tensor inputs[3] = {x, gamma, beta};
        for (int i = 0; i < 3; ++i) {
            ours[i] = inputs[i].clone().requires_grad_(true);
            theirs[i] = inputs[i].clone().to(torch::kFloat64).requires_grad_(true);
        }
        ChannelStatistics s;
        const Tensor a = conditional_norm_relu(ours[0], ours[1], ours[2], 1e-5, s);
        const Tensor b = composed(theirs[0], theirs[1], theirs[2], 1e-5);
        EXPECT_TRUE(torch::allclose(a.to(torch::kFloat64), b, 1e-4, 2e-5)) << c.points << " points";
        const Tensor rows = x.view({-1, c.channels}).to(torch::kFloat64);
        EXPECT_TRUE(torch::allclose(s.mean, rows.mean(0), 1e-6, 1e-6));
        EXPECT_TRUE(torch::allclose(s.variance, rows.var(0, false), 1e-5, 1e-6));
        (a * w).sum().backward(), (b * w.to(torch::kFloat64)).sum().backward();
        for (int i = 0; i < 3; ++i)
            EXPECT_TRUE(torch::allclose(ours[i].grad().to(torch::kFloat64), theirs[i].grad(), 1e-3, 1e-4)) << i;
    }
}

TEST(ConditionalNorm, GradientsMatchFiniteDifferences) {
    const auto input = [](std::uint64_t seed, std::initializer_list<std::int64_t> shape) {
        return golden_tensor(seed, shape, -1, 1).to(torch::kFloat64);
    };
    Tensor x = input(1, {2, 9, 3}), gamma = input(2, {2, 3}), beta = input(3, {2, 3});
    const Tensor w = input(4, {2, 9, 3});
    const auto f = [&] {
        ChannelStatistics s;
        return (conditional_norm_relu(x, gamma, beta, 1e-5, s) * w).sum();
    };
    for (Tensor* t : {&x, &gamma, &beta}) {
        test::expect_gradients_in_place(f, *t);
        t->requires_grad_(false);
    }
}

TEST(ConditionalNorm, SameBitsWithAnyNumberOfThreads) {
    const Tensor x = golden_tensor(1, {7, 300, 32}, -1, 1), gamma = golden_tensor(2, {7, 32}, -1, 1);
    const auto run = [&](int threads) {
        torch::set_num_threads(threads);
        ChannelStatistics s;
        const Tensor y = conditional_norm_relu(x, gamma, gamma, 1e-5, s);
        torch::set_num_threads(1);
        return y;
    };
    EXPECT_TRUE(torch::equal(run(1), run(3)));
}

}  // namespace
}  // namespace nir::nn
