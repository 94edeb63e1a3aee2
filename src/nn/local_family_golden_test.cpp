// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Golden vectors of the papers' classes for windows, voxels and features at points, weights filled by rule
// (support/golden_fill.h): torch 1.13, CPU, eval mode.
#include "nir/base/error.h"
#include "nir/nn/decoders/local.h"
#include "nir/nn/encoders/pointnet2.h"
#include "nir/nn/encoders/pointnet_patch.h"
#include "nir/nn/encoders/voxel_local.h"
#include "nir/nn/ops/neighbors.h"

#include "support/golden_fill.h"
#include "support/golden_row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace nir::nn {
namespace {

using test::expect_row;
using test::golden_fill;
using test::golden_tensor;
using torch::Tensor;

class FamilyGolden : public ::testing::Test {
protected:
    torch::NoGradGuard no_grad_;

    template <class Holder>
    static Holder filled(Holder holder) {
        golden_fill(*holder);
        holder->eval();
        return holder;
    }
    static Tensor voxels() { return (golden_tensor(6, {1, 32, 32, 32}, -.5, .5) > 0).to(torch::kFloat32); }
    static Tensor queries() { return golden_tensor(12, {2, 40, 3}, -.56, .56); }
};

TEST_F(FamilyGolden, VoxelsToOnePlane) {
    VoxelLocalConfig config;
    config.features = {"xz"};
    config.use_unet = false;
    const FeatureMaps maps = filled(VoxelLocal(config, LocalDims{}))->encode(voxels());
    expect_row(maps[Representation::xz], {131072, {0, 0, 0, 0}, 0, 10744.7474, 7163.7917});
}

TEST_F(FamilyGolden, VoxelsToAVolume) {
    VoxelLocalConfig config;
    config.features = {"grid"};
    const FeatureMaps maps = filled(VoxelLocal(config, LocalDims{}))->encode(voxels());
    expect_row(maps[Representation::grid],
               {1048576, {0.334089, 0.314681, 0.301326, 0.293581}, 0.072852, 50222.2366, 540259.2745});
    expect_row(filled(LocalMlp(LocalMlpConfig{}, LocalDims{}))->decode(queries().narrow(0, 0, 1), maps),
               {40, {-1.878370, -1.941863, -1.083301, -2.979802}, -1.116072, -75.3029, 178.0219});
}

TEST_F(FamilyGolden, Window) {
    LocalDims dims;
    dims.window = {.unit_size = 0.01, .query_cells = 1};  // with three levels: 32 voxels
    auto encoder = filled(PointnetPatch(PointnetPatchConfig{}, dims));
    ASSERT_EQ(encoder->resolution(), 32);
    const Tensor points = golden_tensor(15, {1, 300, 3}, -.2, .2);
    const Tensor lower = torch::full({1, 3}, -0.16, torch::kFloat64);
    const Tensor index = window_cell_index(points, lower, 0.32, Representation::grid, 32);
    EXPECT_EQ((index == 32 * 32 * 32).sum().item<std::int64_t>(), 153);
    const FeatureMaps maps = encoder->encode_window(points, lower);
    EXPECT_TRUE(torch::equal(maps[Representation::grid], encoder->encode(points)[Representation::grid]));
    expect_row(maps[Representation::grid],
               {1048576, {0.102918, -0.030650, 0.312060, 0.139149}, 0.252970, -9120.0471, 490221.6894});
    expect_row(filled(PatchMlp(LocalMlpConfig{}, dims))->decode(golden_tensor(16, {1, 40, 3}, -.06, .06), maps),
               {40, {-5.517346, -6.197650, -2.794886, -4.847934}, -1.898440, -144.7797, 666.5775});
}

TEST_F(FamilyGolden, FeaturesAtPoints) {
    FeatureMaps features;
    features.points = golden_tensor(11, {2, 300, 3}, -.54, .54);
    features.point_features = golden_tensor(17, {2, 300, 32}, -.5, .5);
    expect_row(filled(PointMlp(PointMlpConfig{}, LocalDims{}))->decode(queries(), features),
               {80, {-1.436794, -1.723079, -0.436152, -0.576518}, -0.624672, -62.7597, 61.3334});
}

TEST_F(FamilyGolden, WindowSizesAreThePublishedOnes) {
    const auto resolution = [](std::int64_t query, std::int64_t levels) {
        PointnetPatchConfig config;
        config.unet3d = {.f_maps = 2, .num_levels = levels, .num_groups = 1};
        LocalDims dims{.c_dim = 2};
        dims.window.query_cells = query;
        return PointnetPatch(config, dims)->resolution();
    };
    EXPECT_EQ(resolution(25, 4), 88);
    EXPECT_EQ(resolution(90, 4), 160);
    EXPECT_EQ(resolution(25, 3), 56);
}

TEST(Window, PositionsWithinVoxelsArePositiveAndEncoded) {
    WindowDims dims{.unit_size = 0.5};
    const Tensor p = torch::tensor({0.6f, -0.1f, -0.5f}).view({1, 1, 3});
    EXPECT_TRUE(torch::allclose(describe_points(p, dims).view(-1), torch::tensor({0.2f, 0.8f, 0.0f}), 0, 1e-6));
    dims.encoding = PositionEncoding::sin_cos;
    const Tensor e = describe_points(p, dims).view(-1);
    ASSERT_EQ(e.numel(), 60);
    // x = 2 u - 1 = -0.6, 0.6, -1; sin of the first frequency, then cos, then the second frequency.
    const double pi = std::numbers::pi;
    EXPECT_NEAR(e[0].item<double>(), std::sin(-0.6 * pi), 1e-5);
    EXPECT_NEAR(e[4].item<double>(), std::cos(0.6 * pi), 1e-5);
    EXPECT_NEAR(e[6].item<double>(), std::sin(-1.2 * pi), 1e-5);
    dims.local_coordinates = false;
    dims.encoding = PositionEncoding::linear;
    EXPECT_TRUE(torch::equal(describe_points(p, dims), p));
}

TEST(Window, PointsOnTheUpperFaceAreOutside) {
    const Tensor p = torch::tensor({-1.0f, -1.0f, -1.0f, 0.9999999f, 0.0f, 0.0f, 1.0f, 0.0f, 0.0f}).view({1, 3, 3});
    const Tensor lower = torch::full({1, 3}, -1.0, torch::kFloat64);
    const Tensor cell = window_cell_index(p, lower, 2, Representation::grid, 4).view(-1);
    EXPECT_EQ(cell[0].item<std::int64_t>(), 0);
    EXPECT_EQ(cell[1].item<std::int64_t>(), 3 + 4 * (2 + 4 * 2));
    EXPECT_EQ(cell[2].item<std::int64_t>(), 64);
    EXPECT_EQ(window_cell_index(p, lower, 2, Representation::xz, 4).view(-1)[2].item<std::int64_t>(), 16);
}

TEST(Neighbors, FarthestPointsAndBallsOnALine) {
    const Tensor p = torch::tensor({0.f, 0.f, 0.f, 1.f, 0.f, 0.f, 2.f, 0.f, 0.f, 10.f, 0.f, 0.f}).view({1, 4, 3});
    const auto at = [](const std::vector<std::int64_t>& v) { return torch::tensor(v, torch::kInt64); };
    EXPECT_TRUE(torch::equal(farthest_points(p, at({1}), 5)[0], at({1, 3, 0, 2, 0})));
    const Tensor near = ball_neighbors(squared_distances(p, p), 1.5, 3);
    EXPECT_TRUE(torch::equal(near[0][1], at({0, 1, 2})));
    EXPECT_TRUE(torch::equal(near[0][3], at({3, 3, 3})));
    EXPECT_TRUE(torch::equal(near[0][2], at({1, 2, 1})));
    EXPECT_THROW((void)farthest_points(p, at({4}), 2), Error);
}

}  // namespace
}  // namespace nir::nn
