// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/ops/scatter.h"

#include "nir/base/error.h"

#include "support/grad_check.h"

#include <gtest/gtest.h>

namespace nir::nn {
namespace {

using torch::Tensor;

Tensor index_of(std::vector<std::int64_t> cells, std::int64_t batch) {
    return torch::tensor(cells, torch::kInt64).view({batch, -1});
}

/// The same operators written with torch's own primitives.
Tensor reference(const Tensor& f, const Tensor& index, std::int64_t n_cells, const char* reduce) {
    const Tensor where = index.unsqueeze(2).expand_as(f);
    const Tensor zero = torch::zeros({f.size(0), n_cells, f.size(2)}, f.options());
    return torch::scatter_reduce(zero, 1, where, f, reduce, /*include_self=*/false);
}

class Scatter : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(Scatter, EqualsTorchPrimitives) {
    torch::manual_seed(3);
    const std::int64_t n = GetParam(), cells = 50;
    const Tensor f = torch::randn({3, n, 37});
    const Tensor index = torch::randint(0, cells, {3, n}, torch::kInt64);
    const CellTable table(index, cells);
    const Tensor where = index.unsqueeze(2).expand_as(f);
    EXPECT_TRUE(torch::equal(pool_cells_max(f, table), reference(f, index, cells, "amax").gather(1, where)));
    EXPECT_TRUE(torch::allclose(pool_cells_mean(f, table), reference(f, index, cells, "mean").gather(1, where)));
    EXPECT_TRUE(torch::allclose(scatter_cells_mean(f, table), reference(f, index, cells, "mean").transpose(1, 2)));
}
INSTANTIATE_TEST_SUITE_P(Sizes, Scatter, ::testing::Values(1, 7, 257));

TEST(ScatterOps, EmptyCloudIsZero) {
    const CellTable table(torch::empty({2, 0}, torch::kInt64), 4);
    const Tensor f = torch::empty({2, 0, 5});
    EXPECT_EQ(pool_cells_max(f, table).numel(), 0);
    EXPECT_EQ(pool_cells_mean(f, table).numel(), 0);
    EXPECT_TRUE(torch::equal(scatter_cells_mean(f, table), torch::zeros({2, 5, 4})));
}

TEST(ScatterOps, MaxGradientGoesToTheFirstMaximalPoint) {
    Tensor f = torch::tensor({1.f, 2.f, 2.f, 5.f}).view({1, 4, 1}).requires_grad_(true);
    const CellTable table(index_of({0, 0, 0, 1}, 1), 2);
    (pool_cells_max(f, table) * torch::tensor({1.f, 10.f, 100.f, 7.f}).view({1, 4, 1})).sum().backward();
    EXPECT_TRUE(torch::equal(f.grad().view(-1), torch::tensor({0.f, 111.f, 0.f, 7.f})));
}

TEST(ScatterOps, GradientsMatchFiniteDifferences) {
    torch::manual_seed(4);
    const Tensor f = torch::randn({2, 9, 3}, torch::kFloat64);
    const CellTable table(torch::randint(0, 4, {2, 9}, torch::kInt64), 4);
    const auto weighted = [](const Tensor& y) {
        return (y * torch::arange(y.numel(), y.options()).view_as(y).sin()).sum();
    };
    test::expect_gradients([&](const Tensor& x) { return weighted(pool_cells_max(x, table)); }, f);
    test::expect_gradients([&](const Tensor& x) { return weighted(pool_cells_mean(x, table)); }, f);
    test::expect_gradients([&](const Tensor& x) { return weighted(scatter_cells_mean(x, table)); }, f);
}

TEST(ScatterOps, CellOutsideIsRefused) { EXPECT_THROW(CellTable(index_of({0, 4}, 1), 4), Error); }

}  // namespace
}  // namespace nir::nn
