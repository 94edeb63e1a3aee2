// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nn/plane_layers.h"

#include "nir/base/parallel.h"
#include "nir/nn/seeded.h"
#include "nir/nn/unet2d.h"

#include <gtest/gtest.h>

#include <limits>

namespace nir::nn {
namespace {

using torch::Tensor;

class PlaneUnet : public testing::TestWithParam<UNetMerge> {
protected:
    SeededScope seeded_{3};
    UNet2dConfig config_{.in_channels = 8, .out_channels = 5, .depth = 3, .start_filters = 12, .merge = GetParam()};
    UNet2d net_{config_}, wide_{config_};

    /// The modules in double beside our layers in float.
    double difference(const Tensor& x) {
        const torch::NoGradGuard no_grad;
        const auto from = net_->named_parameters();
        wide_->to(torch::kFloat64);
        for (auto& p : wide_->named_parameters()) p.value().copy_(from[p.key()]);
        const Tensor want = wide_(x.to(torch::kFloat64)), got = net_(x);
        EXPECT_EQ(got.sizes(), want.sizes());
        return ((got.to(torch::kFloat64) - want).abs().max() / want.abs().max()).item<double>();
    }
    void change_weights() {
        const torch::NoGradGuard no_grad;
        for (const Tensor& p : net_->parameters()) {  // as an optimiser does, behind torch's back
            float* at = p.data_ptr<float>();
            for (std::int64_t i = 0; i < p.numel(); ++i) at[i] += 0.05f * static_cast<float>(i % 3 - 1);
        }
    }
};

TEST_P(PlaneUnet, EqualsTheModulesInDouble) {
    const Tensor x = torch::randn({2, 8, 24, 16});
    for (int i = 0; i < 2; ++i) {
        EXPECT_LT(difference(x), 1e-5) << i;
        change_weights();
    }
    EXPECT_LT(difference(torch::randn({1, 8, 4, 4})), 1e-5);
}

TEST_P(PlaneUnet, EqualsItselfWithGradients) {
    const Tensor x = torch::randn({2, 8, 24, 16}), with = net_(x).detach();
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(torch::allclose(net_(x), with, 1e-4, 1e-5 * with.abs().max().item<double>()));
}

TEST_P(PlaneUnet, BitsDoNotDependOnTheNumberOfThreads) {
    const torch::NoGradGuard no_grad;
    const Tensor x = torch::randn({3, 8, 24, 16});
    const int before = threads();
    set_threads(1);
    const Tensor one = net_(x).contiguous();
    set_threads(3);
    EXPECT_TRUE(torch::equal(net_(x).contiguous(), one));
    EXPECT_TRUE(torch::equal(net_(x.narrow(0, 1, 1)).contiguous(), one.narrow(0, 1, 1)));
    set_threads(before);
}

INSTANTIATE_TEST_SUITE_P(Merges, PlaneUnet, testing::Values(UNetMerge::concat, UNetMerge::add));

TEST(PlaneLayers, TheLargestOfFourCellsMayBeNoNumber) {
    Tensor x = torch::arange(16, torch::kFloat32).view({1, 4, 4, 1});
    EXPECT_TRUE(torch::equal(halve_planes(x).flatten(), torch::tensor({5.0f, 7.0f, 13.0f, 15.0f})));
    for (const std::int64_t at : {0, 1, 4, 5}) {
        Tensor y = x.clone();
        y.view({16})[at] = std::numeric_limits<float>::quiet_NaN();
        EXPECT_TRUE(halve_planes(y)[0][0][0][0].isnan().item<bool>()) << at;
    }
}

}  // namespace
}  // namespace nir::nn
