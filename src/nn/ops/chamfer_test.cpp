// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/chamfer.h"

#include "nir/base/error.h"
#include "nir/base/parallel.h"
#include "nir/io/npy.h"
#include "nir/nn/tensor_io.h"

#include "nn/ops/nearest_search.h"
#include "support/grad_check.h"

#include <gtest/gtest.h>

#include <limits>

namespace nir::nn {
namespace {

using torch::Tensor;

/// All distances at once, with torch's own primitives.
Tensor all_pairs(const Tensor& a, const Tensor& b) { return (a.unsqueeze(2) - b.unsqueeze(1)).square().sum(3); }

Tensor reference(const Tensor& a, const Tensor& b) {
    const Tensor d = all_pairs(a, b);
    return std::get<0>(d.min(2)).mean(1) + std::get<0>(d.min(1)).mean(1);
}

TEST(ChamferOp, EqualsTorchPrimitives) {
    torch::manual_seed(3);
    for (const auto& [n, m] : {std::pair{1, 1}, {7, 130}, {600, 33}, {1030, 1024}}) {
        const Tensor a = torch::randn({3, n, 3}).requires_grad_(true), b = torch::randn({3, m, 3}).requires_grad_(true);
        const Tensor weight = torch::randn({3});
        const Tensor ours = chamfer_distance(a, b), theirs = reference(a, b);
        EXPECT_TRUE(torch::allclose(ours, theirs, 1e-5, 1e-6));
        const auto g = torch::autograd::grad({(ours * weight).sum()}, {a, b});
        const auto r = torch::autograd::grad({(theirs * weight).sum()}, {a, b});
        EXPECT_TRUE(torch::allclose(g[0], r[0], 1e-4, 1e-6));
        EXPECT_TRUE(torch::allclose(g[1], r[1], 1e-4, 1e-6));
    }
}

TEST(ChamferOp, GradientsMatchFiniteDifferences) {
    torch::manual_seed(4);
    const Tensor a = torch::randn({2, 5, 3}, torch::kFloat64), b = torch::randn({2, 4, 3}, torch::kFloat64);
    const Tensor weight = torch::tensor({1.0, -0.7}, torch::kFloat64);
    test::expect_gradients([&](const Tensor& x) { return (chamfer_distance(x, b) * weight).sum(); }, a);
    test::expect_gradients([&](const Tensor& x) { return (chamfer_distance(a, x) * weight).sum(); }, b);
    test::expect_gradients([&](const Tensor& x) { return nearest_squared(x, b).sin().sum(); }, a);
}

TEST(ChamferOp, GradientOfATieGoesToTheFirst) {
    const Tensor a = torch::zeros({1, 1, 3});
    const Tensor b = torch::tensor({1.f, 0.f, 0.f, -1.f, 0.f, 0.f}).view({1, 2, 3}).requires_grad_(true);
    Tensor index;
    nearest_squared(a, b, &index).sum().backward();
    EXPECT_EQ(index.item<int>(), 0);
    EXPECT_TRUE(torch::equal(b.grad().view(-1), torch::tensor({2.f, 0.f, 0.f, 0.f, 0.f, 0.f})));
}

TEST(ChamferOp, TreeAndAllPairsFindTheSame) {
    torch::manual_seed(5);
    for (const std::int64_t batch : {1, 3})
        for (const std::int64_t m : {1, 700, 20000}) {
            const Tensor from = torch::rand({batch, 300, 3}), to = torch::rand({batch, m, 3});
            Tensor squared[2], index[2];
            for (int i = 0; i < 2; ++i) {
                squared[i] = torch::full({batch, 300}, -1.0f), index[i] = torch::full({batch, 300}, -1, torch::kInt32);
                (i ? nearest_by_tree : nearest_of_all_pairs)(from, to, squared[i], index[i]);
            }
            EXPECT_TRUE(torch::allclose(squared[1], squared[0], 1e-4, 1e-9)) << m;
            EXPECT_TRUE(torch::equal(index[1], index[0])) << m;
        }
}

TEST(ChamferOp, LargeSetsAreSearchedWithATree) {
    torch::manual_seed(5);
    const Tensor a = torch::rand({2, 300, 3}), b = torch::rand({2, kTreeTargets, 3}).requires_grad_(true);
    Tensor index, index_of_parts;
    const Tensor tree = nearest_squared(a, b, &index);
    const Tensor near = nearest_squared(a, b.slice(1, 0, kTreeTargets / 2), &index_of_parts);
    const Tensor far = nearest_squared(a, b.slice(1, kTreeTargets / 2));
    EXPECT_TRUE(torch::allclose(tree, torch::minimum(near, far), 1e-4, 1e-9));
    EXPECT_TRUE(torch::equal((index < kTreeTargets / 2).logical_and(index == index_of_parts), near < far));
    tree.sum().backward();
    EXPECT_LE((b.grad().abs().sum(2) > 0).sum().item<std::int64_t>(), 600);
    const Tensor bad = torch::full({2, 3, 3}, std::numeric_limits<float>::quiet_NaN());
    EXPECT_THROW((void)nearest_squared(bad, b), Error);
}

TEST(ChamferOp, SameBitsWithAnyNumberOfThreads) {
    torch::manual_seed(6);
    const Tensor a = torch::randn({4, 900, 3}).requires_grad_(true), b = torch::randn({4, 700, 3});
    std::vector<Tensor> values, gradients;
    for (const int threads : {1, 4}) {
        set_threads(threads);
        values.push_back(chamfer_distance(a, b));
        gradients.push_back(torch::autograd::grad({values.back().sum()}, {a})[0]);
    }
    set_threads(0);
    EXPECT_TRUE(torch::equal(values[0], values[1]));
    EXPECT_TRUE(torch::equal(gradients[0], gradients[1]));
}

TEST(ChamferOp, EmptySets) {
    const Tensor none = torch::empty({2, 0, 3}), some = torch::zeros({2, 3, 3});
    EXPECT_EQ(nearest_squared(none, some).numel(), 0);
    EXPECT_EQ(nearest_squared(none, none).numel(), 0);
    EXPECT_THROW((void)nearest_squared(some, none), Error);
    EXPECT_THROW((void)chamfer_distance(some, none), Error);
}

TEST(ChamferOp, AgreesWithThePapersCode) {
    const std::string folder = NIR_SOURCE_DIR "/tests/golden/metrics/";
    const auto points = io::read_npz(folder + "points.npz"), chamfer = io::read_npz(folder + "chamfer.npz");
    const Tensor pred = tensor_from(points.at("pred_points")), target = tensor_from(points.at("target_points"));
    const Tensor a = torch::stack({pred.slice(0, 0, 1000), pred.slice(0, 1000, 2000)}).requires_grad_(true);
    const Tensor b = torch::stack({target.slice(0, 0, 1200), target.slice(0, 1200, 2400)});
    const Tensor d = chamfer_distance(a, b);
    EXPECT_TRUE(torch::allclose(d, tensor_from(chamfer.at("chamfer_batch")), 1e-5, 0));
    d.sum().backward();
    const Tensor gradient = tensor_from(chamfer.at("chamfer_batch_grad_a"));
    EXPECT_TRUE(torch::allclose(a.grad(), gradient, 1e-4, 1e-6 * gradient.abs().max().item<double>()));
}

}  // namespace
}  // namespace nir::nn
