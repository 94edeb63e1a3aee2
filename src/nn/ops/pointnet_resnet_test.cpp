// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/pointnet_resnet.h"

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
    std::int64_t batch, points, h, blocks;
};

struct Inputs {
    Tensor points;
    PointnetWeights weights;

    Inputs(const Case& c, torch::ScalarType type) {
        std::uint64_t seed = 1;
        const auto make = [&](std::initializer_list<std::int64_t> shape, double size) {
            return golden_tensor(seed++, shape, static_cast<float>(-size), static_cast<float>(size)).to(type);
        };
        const std::int64_t h = c.h;
        const double size = 1.5 / std::sqrt(static_cast<double>(h));
        points = make({c.batch, c.points, 3}, 0.5);
        weights.fc_pos_weight = make({2 * h, 3}, 1), weights.fc_pos_bias = make({2 * h}, 0.5);
        for (std::int64_t i = 0; i < c.blocks; ++i)
            weights.blocks.push_back(
                {make({h, 2 * h}, size), make({h}, 0.5), make({h, h}, size), make({h}, 0.5), make({h, 2 * h}, size)});
    }
    std::vector<Tensor*> all() {
        std::vector<Tensor*> out{&points, &weights.fc_pos_weight, &weights.fc_pos_bias};
        for (auto& b : weights.blocks)
            out.insert(out.end(), {&b.fc_0_weight, &b.fc_0_bias, &b.fc_1_weight, &b.fc_1_bias, &b.shortcut_weight});
        return out;
    }
    void require_gradients() {
        for (Tensor* t : all()) t->requires_grad_(true);
    }
};

/// As the layers have it, with every concatenation. The maximum's index is torch's.
Tensor composed(const Inputs& in) {
    const auto most = [](const Tensor& x) { return std::get<0>(x.max(1, true)); };
    Tensor x = torch::linear(in.points, in.weights.fc_pos_weight, in.weights.fc_pos_bias);
    for (std::size_t i = 0; i < in.weights.blocks.size(); ++i) {
        const auto& b = in.weights.blocks[i];
        if (i > 0) x = torch::cat({x, most(x).expand_as(x)}, 2);
        const Tensor net = torch::linear(x.relu(), b.fc_0_weight, b.fc_0_bias).relu();
        x = torch::linear(x, b.shortcut_weight) + torch::linear(net, b.fc_1_weight, b.fc_1_bias);
    }
    return most(x).squeeze(1);
}

// Many points for few channels (most rows receive no gradient), the other way round, one point, one block.
constexpr Case kCases[] = {{3, 200, 6, 5}, {2, 4, 24, 3}, {5, 1, 7, 2}, {1, 50, 8, 1}};

TEST(PointnetResnet, EqualsTheLayers) {
    for (const Case& c : kCases)
        for (const auto type : {torch::kFloat32, torch::kFloat64}) {
            SCOPED_TRACE(c.points);
            Inputs ours(c, type), theirs(c, type);
            ours.require_gradients(), theirs.require_gradients();
            const Tensor a = pointnet_resnet(ours.points, ours.weights), b = composed(theirs);
            const double tolerance = type == torch::kFloat32 ? 1e-4 : 1e-10;
            EXPECT_TRUE(torch::allclose(a, b, tolerance, tolerance)) << (a - b).abs().max();
            if (type == torch::kFloat32) continue;  // a near tie may fall to another point
            const Tensor w = golden_tensor(99, {c.batch, c.h}, -1, 1).to(type);
            (a * w).sum().backward(), (b * w).sum().backward();
            const auto mine = ours.all(), others = theirs.all();
            for (std::size_t i = 0; i < mine.size(); ++i)
                EXPECT_TRUE(torch::allclose(mine[i]->grad(), others[i]->grad(), 1e-9, 1e-10)) << "tensor " << i;
        }
}

TEST(PointnetResnet, GradientsMatchFiniteDifferences) {
    Inputs in({2, 9, 5, 3}, torch::kFloat64);
    const Tensor w = golden_tensor(99, {2, 5}, -1, 1).to(torch::kFloat64);
    const auto f = [&] { return (pointnet_resnet(in.points, in.weights) * w).sum(); };
    for (Tensor* t : in.all()) {
        test::expect_gradients_in_place(f, *t);
        t->requires_grad_(false);
    }
}

TEST(PointnetResnet, OrderOfThePointsDoesNotMatter) {
    Inputs in({2, 60, 8, 5}, torch::kFloat32);
    const Tensor a = pointnet_resnet(in.points, in.weights), b = pointnet_resnet(in.points.flip({1}), in.weights);
    EXPECT_TRUE(torch::allclose(a, b, 1e-5, 1e-6));
}

TEST(PointnetResnet, NoPointsGiveZerosAndNoGradient) {
    Inputs in({2, 0, 6, 3}, torch::kFloat32);
    in.require_gradients();
    const Tensor c = pointnet_resnet(in.points, in.weights);
    EXPECT_TRUE(torch::equal(c, torch::zeros({2, 6})));
    c.sum().backward();
    for (const Tensor* t : in.all()) EXPECT_EQ(t->grad().abs().sum().item<double>(), 0.0);
}

TEST(PointnetResnet, NotANumberReachesTheCode) {
    Inputs in({2, 20, 6, 3}, torch::kFloat32);
    in.points[1][3][0] = std::numeric_limits<float>::quiet_NaN();
    const Tensor c = pointnet_resnet(in.points, in.weights);
    EXPECT_TRUE(c[1].isnan().any().item<bool>());
    EXPECT_FALSE(c[0].isnan().any().item<bool>());
}

}  // namespace
}  // namespace nir::nn
