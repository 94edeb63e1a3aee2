// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/conditional_resnet.h"

#include "support/golden_fill.h"
#include "support/grad_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nir::nn {
namespace {

using test::golden_tensor;
using torch::Tensor;

struct Case {
    std::int64_t batch, points, channels, blocks;
};

/// Every tensor of a network and its input, in one list: x, weights, biases, gammas, betas, output weight and bias.
struct Inputs {
    Tensor x;
    ConditionalResnet network;

    Inputs(const Case& c, torch::ScalarType type) {
        std::uint64_t seed = 1;
        const auto make = [&](std::initializer_list<std::int64_t> shape, double lo, double hi) {
            return golden_tensor(seed++, shape, static_cast<float>(lo), static_cast<float>(hi)).to(type);
        };
        const double size = 1 / std::sqrt(static_cast<double>(c.channels));
        x = make({c.batch, c.points, c.channels}, -1, 2);
        network.biases.push_back(make({c.channels}, -1, 1));
        for (std::int64_t l = 0; l < 2 * c.blocks; ++l) {
            network.weights.push_back(make({c.channels, c.channels}, -size, size));
            network.biases.push_back(make({c.channels}, -1, 1));
        }
        for (std::int64_t l = 0; l <= 2 * c.blocks; ++l) {
            network.gamma.push_back(make({c.batch, c.channels}, -2, 2));
            network.beta.push_back(make({c.batch, c.channels}, -1, 1));
        }
        network.out_weight = make({c.channels}, -1, 1), network.out_bias = make({1}, -1, 1);
    }
    std::vector<Tensor*> all() {
        std::vector<Tensor*> out{&x, &network.out_weight, &network.out_bias};
        for (auto* list : {&network.weights, &network.biases, &network.gamma, &network.beta})
            for (Tensor& t : *list) out.push_back(&t);
        return out;
    }
    void require_gradients() {
        for (Tensor* t : all()) t->requires_grad_(true);
    }
};

/// The same of torch's own operations, biases and all.
Tensor composed(const Inputs& in, std::vector<ChannelStatistics>& statistics) {
    const ConditionalResnet& n = in.network;
    std::size_t l = 0;
    const auto norm = [&](const Tensor& u) {
        const Tensor rows = u.detach().reshape({-1, u.size(2)}).to(torch::kFloat64);
        statistics.push_back({rows.mean(0), rows.var(0, false)});
        const Tensor y = torch::batch_norm(u.transpose(1, 2), {}, {}, {}, {}, true, 0.1, n.eps, false).transpose(1, 2);
        const Tensor out = (y * n.gamma[l].unsqueeze(1) + n.beta[l].unsqueeze(1)).relu();
        ++l;
        return out;
    };
    Tensor x = in.x + n.biases[0];
    for (std::size_t k = 0; k + 1 < n.weights.size(); k += 2) {
        const Tensor net = torch::linear(norm(x), n.weights[k], n.biases[k + 1]);
        x = x + torch::linear(norm(net), n.weights[k + 1], n.biases[k + 2]);
    }
    return torch::matmul(norm(x), n.out_weight) + n.out_bias;
}

// Tiles within a shape, shapes within a tile, tiles across shapes, one row a shape.
constexpr Case kCases[] = {{2, 300, 9, 2}, {1, 40, 1, 1}, {7, 33, 16, 5}, {3, 1100, 8, 1}, {40, 1, 4, 2}};

TEST(ConditionalResnet, EqualsTorchsOperations) {
    for (const Case& c : kCases) {
        SCOPED_TRACE(c.points);
        Inputs ours(c, torch::kFloat32), theirs(c, torch::kFloat64);
        ours.require_gradients(), theirs.require_gradients();
        std::vector<ChannelStatistics> s, t;
        const Tensor a = conditional_resnet(ours.x, ours.network, s), b = composed(theirs, t);
        EXPECT_TRUE(torch::allclose(a.to(torch::kFloat64), b, 1e-4, 1e-4)) << (a - b).abs().max();
        ASSERT_EQ(s.size(), t.size());
        for (std::size_t l = 0; l < s.size(); ++l) {
            EXPECT_TRUE(torch::allclose(s[l].mean, t[l].mean, 1e-5, 1e-5)) << l;
            EXPECT_TRUE(torch::allclose(s[l].variance, t[l].variance, 1e-4, 1e-5)) << l;
        }
    }
}

TEST(ConditionalResnet, InDoubleEverythingAgreesToRounding) {
    for (const Case& c : kCases) {
        SCOPED_TRACE(c.points);
        Inputs ours(c, torch::kFloat64), theirs(c, torch::kFloat64);
        ours.require_gradients(), theirs.require_gradients();
        std::vector<ChannelStatistics> s, t;
        const Tensor a = conditional_resnet(ours.x, ours.network, s), b = composed(theirs, t);
        EXPECT_TRUE(torch::allclose(a, b, 1e-9, 1e-9));
        const Tensor w = golden_tensor(99, {c.batch, c.points}, -1, 1).to(torch::kFloat64);
        (a * w).sum().backward(), (b * w).sum().backward();
        const auto mine = ours.all(), others = theirs.all();
        for (std::size_t i = 0; i < mine.size(); ++i) {
            ASSERT_TRUE(mine[i]->grad().defined()) << i;
            EXPECT_TRUE(torch::allclose(mine[i]->grad(), others[i]->grad(), 1e-6, 1e-7))
                << "tensor " << i << ": " << (mine[i]->grad() - others[i]->grad()).abs().max().item<double>();
        }
        for (const Tensor& bias : ours.network.biases) EXPECT_EQ(bias.grad().abs().max().item<double>(), 0.0);
    }
}

TEST(ConditionalResnet, GradientsMatchFiniteDifferences) {
    Inputs in({3, 11, 5, 2}, torch::kFloat64);
    const Tensor w = golden_tensor(99, {3, 11}, -1, 1).to(torch::kFloat64);
    const auto f = [&] {
        std::vector<ChannelStatistics> s;
        return (conditional_resnet(in.x, in.network, s) * w).sum();
    };
    for (Tensor* t : in.all()) {
        test::expect_gradients_in_place(f, *t);
        t->requires_grad_(false);
    }
}

TEST(ConditionalResnet, AChannelFarFromZeroKeepsItsVariance) {
    Inputs in({2, 400, 6, 1}, torch::kFloat32);
    in.x.select(2, 0).add_(300);
    Inputs exact({2, 400, 6, 1}, torch::kFloat64);
    exact.x = in.x.to(torch::kFloat64);
    std::vector<ChannelStatistics> s, t;
    const Tensor a = conditional_resnet(in.x, in.network, s), b = composed(exact, t);
    EXPECT_TRUE(torch::allclose(s[0].variance, t[0].variance, 1e-5, 0));
    EXPECT_TRUE(torch::allclose(a.to(torch::kFloat64), b, 1e-3, 1e-3));
}

TEST(ConditionalResnet, SameBitsWithAnyNumberOfThreads) {
    const auto run = [&](int threads) {
        torch::set_num_threads(threads);
        Inputs in({5, 700, 32, 2}, torch::kFloat32);
        in.require_gradients();
        std::vector<ChannelStatistics> s;
        const Tensor y = conditional_resnet(in.x, in.network, s);
        y.square().sum().backward();
        torch::set_num_threads(1);
        std::vector<Tensor> out{y.detach()};
        for (const Tensor* t : in.all()) out.push_back(t->grad());
        return out;
    };
    const auto one = run(1), three = run(3);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], three[i])) << i;
}

TEST(ConditionalResnet, NotANumberReachesTheLogits) {
    Inputs in({1, 50, 4, 1}, torch::kFloat32);
    in.x[0][7][2] = std::numeric_limits<float>::quiet_NaN();
    std::vector<ChannelStatistics> s;
    EXPECT_TRUE(conditional_resnet(in.x, in.network, s).isnan().any().item<bool>());
}

}  // namespace
}  // namespace nir::nn
