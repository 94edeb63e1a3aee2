// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/geom/sensors.h"

#include <gtest/gtest.h>

namespace nir::geom {
namespace {

TEST(Sensors, AreGroupedByPlace) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Vec3d a{1, 2, 3}, b{-1, 0, 5}, none{nan, nan, nan};
    const Sensors s = group_sensors(std::vector<Vec3d>{a, a, b, none, a, b});
    EXPECT_EQ(s.positions, (std::vector<Vec3d>{a, b}));
    EXPECT_EQ(s.of_point, (std::vector<std::uint32_t>{0, 0, 1, Sensors::kUnknownSensor, 0, 1}));
    EXPECT_TRUE(s.knows(0) && !s.knows(3));
    EXPECT_EQ(s.direction(2, {-1, 0, 3}), (Vec3f{0, 0, 1}));
    EXPECT_EQ(s.direction(3, {0, 0, 0}), Vec3f{});
    EXPECT_EQ(s.direction(0, a), Vec3f{});
    EXPECT_TRUE(group_sensors({}).empty());
    EXPECT_TRUE(group_sensors(std::vector<Vec3d>{none, none}).empty());
    EXPECT_FALSE(Sensors{}.knows(0));
}

}  // namespace
}  // namespace nir::geom
