// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/vdb.h"

#include "nir/base/error.h"
#include "nir/io/formats.h"

#include "io/test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <openvdb/io/Stream.h>
#include <openvdb/openvdb.h>
#include <openvdb/tools/LevelSetSphere.h>
#include <sstream>

namespace nir::io {
namespace {

using testing::HasSubstr;

std::string bytes_of(const openvdb::GridPtrVec& grids) {
    openvdb::initialize();
    std::ostringstream out(std::ios::binary);
    openvdb::io::Stream(out).write(grids);
    return out.str();
}

openvdb::FloatGrid::Ptr fog(const std::string& name, const openvdb::math::Mat4d& transform) {
    auto grid = openvdb::FloatGrid::create(0.0f);
    grid->setName(name);
    grid->setTransform(openvdb::math::Transform::createLinearTransform(transform));
    grid->getAccessor().setValue({-2, 3, 5}, 0.25f);
    grid->getAccessor().setValue({1, 4, 15}, 4.0f);
    return grid;
}

openvdb::math::Mat4d rows(const std::array<double, 16>& v) { return openvdb::math::Mat4d(v.data()); }

openvdb::math::Mat4d scale_and_move() {  // rows times the matrix: the translation stands below
    return rows({0.5, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 10, 20, 30, 1});
}

std::string error_in(std::string_view bytes) {
    return error_of([&] { (void)parse_vdb(bytes); });
}

TEST(Vdb, SamplesLieWhereTheTransformPutsThem) {
    const geom::VoxelGrid g = parse_vdb(bytes_of({fog("smoke", scale_and_move())}));
    EXPECT_EQ(g.size, (geom::Vec3i{6, 4, 13}));  // the box of both voxels and one around it
    EXPECT_EQ(g.origin, (geom::Vec3d{10 - 3 * 0.5, 20 + 2 * 2.0, 30 + 4}));
    EXPECT_EQ(g.spacing, (geom::Vec3d{0.5, 2, 1}));
    EXPECT_EQ(g.values[g.index(1, 1, 1)], 0.25f);
    EXPECT_EQ(g.values[g.index(4, 2, 11)], 4.0f);
    EXPECT_EQ(g.values[g.index(0, 0, 0)], 0.0f);
}

TEST(Vdb, DistancesOfALevelSetArePositiveInside) {
    const float radius = 2.5f, voxel = 0.25f;
    const openvdb::Vec3f centre(1, -2, 3);
    auto ball = openvdb::tools::createLevelSetSphere<openvdb::FloatGrid>(radius, centre, voxel);
    const geom::VoxelGrid g = parse_vdb(bytes_of({ball}));
    std::size_t near = 0;
    for (int i = 0; i < g.size.x; ++i)
        for (int j = 0; j < g.size.y; ++j)
            for (int k = 0; k < g.size.z; ++k) {
                const geom::Vec3d p = g.origin + geom::Vec3d{1.0 * i, 1.0 * j, 1.0 * k} * g.spacing;
                const double inside = 2.5 - norm(p - geom::Vec3d{1, -2, 3});
                const double band = 3 * 0.25;  // beyond it the values are the background's
                EXPECT_NEAR(g.values[g.index(i, j, k)], std::clamp(inside, -band, band), 1e-5);
                near += std::abs(inside) < band;
            }
    EXPECT_GT(near, 1000u);
}

TEST(Vdb, DensityIsTakenBeforeOthersAndVectorsNever) {
    auto wind = openvdb::Vec3SGrid::create();
    wind->setName("wind");
    auto other = fog("heat", scale_and_move());
    other->getAccessor().setValue({0, 4, 6}, 9.0f);
    auto cells = openvdb::Int32Grid::create(0);
    cells->setName("density");
    cells->getAccessor().setValue({0, 0, 0}, 7);
    EXPECT_EQ(parse_vdb(bytes_of({wind, other, cells})).values.at(13), 7.0f);
    EXPECT_EQ(parse_vdb(bytes_of({wind, other})).size, (geom::Vec3i{6, 4, 13}));
    EXPECT_THAT(error_in(bytes_of({wind})), HasSubstr("no grid of scalars, but \"wind\" (vec3s)"));
}

TEST(Vdb, WhatCannotBeReadIsNamed) {
    EXPECT_THAT(error_in(bytes_of({openvdb::FloatGrid::create(0.0f)})), HasSubstr("no active voxel"));
    EXPECT_THAT(error_in(bytes_of({fog("a", rows({0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}))})),
                HasSubstr("rotates"));
    EXPECT_THAT(error_in(bytes_of({fog("a", rows({1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}))})),
                HasSubstr("mirrors"));
    auto far = fog("a", scale_and_move());
    far->getAccessor().setValue({2000000000, 2000000000, 5}, 1.0f);
    EXPECT_THAT(error_in(bytes_of({far})), HasSubstr("more than 2^31"));
    const std::string good = bytes_of({fog("a", scale_and_move())});
    for (const std::size_t size : std::vector<std::size_t>{0, 7, 8, 30, 200, good.size() - 1})
        EXPECT_NE(error_in(std::string_view(good).substr(0, size)), "") << size;
}

TEST(Vdb, FilesAreReadOnceAsked) {
    const TempFolder dir;
    const auto path = dir / "a.vdb";
    std::ofstream(path, std::ios::binary) << bytes_of({fog("a", scale_and_move())});
    enable_openvdb();
    EXPECT_EQ(read_voxel_grid(path).size, (geom::Vec3i{6, 4, 13}));
    EXPECT_EQ(read_scene_file(path).format->name, "OpenVDB");
}

}  // namespace
}  // namespace nir::io
