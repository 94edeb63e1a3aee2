// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Golden vectors of the papers' decoders of points and voxels, weights filled by rule (support/golden_fill.h): torch
// 1.13, CPU, eval mode.
#include "nir/base/error.h"
#include "nir/nn/decoders/psgn.h"
#include "nir/nn/decoders/r2n2.h"

#include "support/golden_fill.h"

#include <gtest/gtest.h>

#include <array>

namespace nir::nn {
namespace {

using test::golden_fill;
using test::golden_tensor;
using torch::Tensor;

struct Row {
    std::int64_t numel;
    std::array<double, 4> first;
    double last, sum, squares;
};

/// Rows are printed with six decimals; values agree to 1e-4 of the largest.
void expect_row(const Tensor& t, const Row& row) {
    const Tensor flat = t.detach().contiguous().view(-1).to(torch::kFloat64);
    ASSERT_EQ(flat.numel(), row.numel);
    const double scale = flat.abs().max().item<double>();
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(flat[static_cast<std::int64_t>(i)].item<double>(), row.first[i], 1e-4 * scale + 1e-6);
    EXPECT_NEAR(flat[-1].item<double>(), row.last, 1e-4 * scale + 1e-6);
    EXPECT_NEAR(flat.sum().item<double>(), row.sum, 1e-5 * flat.abs().sum().item<double>() + 1e-3);
    EXPECT_NEAR(flat.square().sum().item<double>(), row.squares, 1e-4 * row.squares + 1e-3);
}

class ExplicitGolden : public ::testing::Test {
protected:
    const Tensor c_ = golden_tensor(3, {2, 32}, -1, 1);
    const torch::NoGradGuard no_grad_;
};

TEST_F(ExplicitGolden, VoxelDecoder) {
    VoxelDecoder decoder(32, 32);
    golden_fill(*decoder);
    expect_row(decoder(c_), {65536, {0.076526, 0.075514, 0.078585, 0.073969}, 0.083284, 5085.0044, 409.5890});
}

TEST_F(ExplicitGolden, PointSetDecoder) {
    PsgnSimple decoder(32, 64);
    golden_fill(*decoder);
    expect_row(decoder(c_), {384, {-0.309196, -0.231478, -0.247860, -0.160897}, 0.069145, 4.8796, 19.4436});
}

TEST_F(ExplicitGolden, TwoBranchPointSetNetwork) {
    PsgnCond encoder(64);
    golden_fill(*encoder);
    const PsgnFeatures features = encoder(golden_tensor(8, {1, 3, 192, 256}, 0, 1));
    expect_row(features.code, {768, {0, 0, 0, 0}, 0, 21.5122, 1.8612});
    PsgnTwoBranch decoder(64, 1024);
    golden_fill(*decoder);
    expect_row(decoder(features), {3072, {0.063918, 0.046179, 0.000000, 0.115071}, 0.093996, 222.3233, 32.9151});
}

TEST(VoxelDecoder, ResolutionsArePowersOfTwo) {
    const torch::NoGradGuard no_grad;
    for (const std::int64_t r : {8, 16, 64}) {
        VoxelDecoder decoder(3, r);
        EXPECT_EQ(decoder(torch::zeros({2, 3})).sizes(), (std::vector<std::int64_t>{2, 1, r, r, r}));
    }
    for (const std::int64_t r : {0, 4, 24, 2048}) EXPECT_THROW(VoxelDecoder(3, r), Error);
}

TEST(PointSetDecoder, SizesThatMakeNoNetworkAreRefused) {
    EXPECT_THROW(PsgnTwoBranch(64, 768), Error);
    EXPECT_THROW(PsgnTwoBranch(48, 1024), Error);
    EXPECT_THROW(PsgnCond(48), Error);
    EXPECT_THROW(PsgnSimple(0, 4), Error);
    PsgnCond encoder(32);
    EXPECT_THROW((void)encoder(torch::zeros({1, 3, 224, 224})), Error);
}

}  // namespace
}  // namespace nir::nn
