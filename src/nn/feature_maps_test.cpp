// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/nn/feature_maps.h"

#include <gtest/gtest.h>

namespace nir::nn {
namespace {

using torch::Tensor;

// Points inside, outside and on the border of the cube, padding 0.1 (golden values of the papers' code).
const Tensor& points() {
    static const Tensor p = torch::tensor({.1f, .2f, .3f, .55f, -.56f, .6f, -.5f, 0.f, .5f}).view({1, 3, 3});
    return p;
}

void expect_unit(Representation r, const std::vector<float>& unit) {
    const Tensor u = unit_coordinates(points(), r, 0.1).contiguous().view(-1);
    ASSERT_EQ(u.numel(), static_cast<std::int64_t>(unit.size()));
    for (std::size_t i = 0; i < unit.size(); ++i)
        EXPECT_FLOAT_EQ(u[static_cast<std::int64_t>(i)].item<float>(), unit[i]) << name_of(r) << " " << i;
}

void expect_cells(Representation r, std::int64_t resolution, const std::vector<std::int64_t>& cells) {
    const Tensor index = cell_index(unit_coordinates(points(), r, 0.1), resolution);
    for (std::size_t i = 0; i < cells.size(); ++i)
        EXPECT_EQ(index[0][static_cast<std::int64_t>(i)].item<std::int64_t>(), cells[i]) << name_of(r) << " " << i;
}

TEST(FeatureMaps, UnitCoordinatesAreGolden) {
    expect_unit(Representation::xz, {.59090829f, .77272481f, .99999547f, .99998999f, .04545870f, .95454133f});
    expect_unit(Representation::grid,
                {.59082651f, .68165302f, .77247959f, .99954593f, 0.f, .99900001f, .04586738f, .5f, .95413262f});
}

TEST(FeatureMaps, CellNumbersAreGolden) {
    expect_cells(Representation::xz, 64, {3173, 4095, 3906});
    expect_cells(Representation::xy, 64, {2789, 63, 2050});
    expect_cells(Representation::yz, 64, {3179, 4032, 3936});
    expect_cells(Representation::grid, 32, {25266, 31775, 31233});
}

TEST(FeatureMaps, SampleReadsCornersAndCentres) {
    // A plane that holds first + 10 second at each cell is linear in between.
    const Tensor i = torch::arange(4, torch::kFloat32);
    const Tensor plane = (i.view({1, 1, 1, 4}) + 10 * i.view({1, 1, 4, 1})).contiguous();
    const Tensor unit = torch::tensor({0.f, 0.f, 0.999999f, 0.f, 0.5f, 0.25f}).view({1, 3, 2});
    const Tensor v = sample_map(plane, unit, SampleMode::bilinear).view(-1);
    EXPECT_NEAR(v[0].item<float>(), 0, 1e-4);
    EXPECT_NEAR(v[1].item<float>(), 3, 1e-4);
    EXPECT_NEAR(v[2].item<float>(), 1.5 + 7.5, 1e-4);
    const Tensor n = sample_map(plane, unit, SampleMode::nearest).view(-1);
    EXPECT_NEAR(n[2].item<float>(), 2 + 10, 1e-4);  // ties to even: 1.5 -> 2; 0.75 -> 1
}

TEST(FeatureMaps, GradientStopsAtTheBorder) {
    Tensor p = points().clone().requires_grad_(true);
    unit_coordinates(p, Representation::grid, 0.1).sum().backward();
    EXPECT_GT(p.grad()[0][0][0].item<float>(), 0.9f);
    EXPECT_EQ(p.grad()[0][1][1].item<float>(), 0.0f);
    EXPECT_EQ(p.grad()[0][1][2].item<float>(), 0.0f);
}

}  // namespace
}  // namespace nir::nn
