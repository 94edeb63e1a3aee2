// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "pipeline/read_sensors.h"

#include "nir/base/error.h"
#include "nir/io/npy.h"

#include <gmock/gmock.h>

#include <cmath>

namespace nir::pipeline {
namespace {

using geom::Vec3d;
using io::NamedArray;
using ::testing::HasSubstr;

class ReadSensors : public ::testing::Test {
protected:
    std::filesystem::path write(const std::vector<NamedArray>& arrays) {
        const auto path = std::filesystem::path(::testing::TempDir()) / "nir_read_sensors_test.npz";
        io::TensorFile file;
        file.arrays = arrays;
        io::write_npz(path, file);
        return path;
    }
    std::string message(const std::vector<NamedArray>& arrays, std::size_t n) {
        const auto path = write(arrays);
        try {
            read_sensors(path, n);
        } catch (const Error& e) {
            return e.what();
        }
        return {};
    }
};

const NamedArray kStations = NamedArray::from("stations", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});

TEST_F(ReadSensors, TakesStationsUnderBothNames) {
    const std::vector<Vec3d> expected{{4, 5, 6}, {1, 2, 3}, {4, 5, 6}};
    const std::vector<std::uint8_t> of{1, 0, 1};
    EXPECT_EQ(read_sensors(write({kStations, NamedArray::from("station", {3}, of)}), 3), expected);
    NamedArray origins = kStations;
    origins.name = "origins";
    EXPECT_EQ(read_sensors(write({origins, NamedArray::from("view", {3}, of)}), 3), expected);
    const auto one = NamedArray::from("stations", {1, 3}, std::vector<double>{7, 8, 9});
    EXPECT_EQ(read_sensors(write({one}), 2), (std::vector<Vec3d>{{7, 8, 9}, {7, 8, 9}}));
    const auto each = NamedArray::from("sensors", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    EXPECT_EQ(read_sensors(write({each}), 2), (std::vector<Vec3d>{{1, 2, 3}, {4, 5, 6}}));
}

TEST_F(ReadSensors, SaysWhatDoesNotFit) {
    const auto of = NamedArray::from("station", {3}, std::vector<std::int32_t>{1, 0, 2});
    EXPECT_THAT(message({kStations, of}, 4), HasSubstr("sensors for 3 points, but the scan has 4 points"));
    EXPECT_THAT(message({kStations, of}, 3), HasSubstr("point 2: station 2 of 2"));
    EXPECT_THAT(message({kStations}, 3), HasSubstr("2 stations, but no array \"station\""));
    EXPECT_THAT(message({of}, 3), HasSubstr("no array \"stations\""));
    EXPECT_THAT(message({of}, 3), HasSubstr("the file has station"));
    const auto flat = NamedArray::from("sensors", {6}, std::vector<float>(6));
    EXPECT_THAT(message({flat}, 2), HasSubstr("[S, 3]"));
    EXPECT_THAT(message({flat}, 2), HasSubstr("nir_read_sensors_test.npz"));
}

TEST(AppendScan, UnknownSensorsAreNotFinite) {
    geom::PointCloud scan, seen, unseen;
    unseen.points = {{0, 0, 0}, {1, 0, 0}};
    seen.points = {{2, 0, 0}}, seen.sensors = {{9, 9, 9}};
    append_scan(scan, geom::PointCloud(unseen));
    EXPECT_TRUE(scan.sensors.empty());
    append_scan(scan, std::move(seen));
    append_scan(scan, std::move(unseen));
    ASSERT_EQ(scan.sensors.size(), 5u);
    EXPECT_EQ(scan.size(), 5u);
    for (const std::size_t i : {0u, 1u, 3u, 4u}) EXPECT_FALSE(geom::is_finite(scan.sensors[i]));
    EXPECT_EQ(scan.sensors[2], (Vec3d{9, 9, 9}));
}

}  // namespace
}  // namespace nir::pipeline
