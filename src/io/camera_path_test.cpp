// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/io/camera_path.h"

#include "support/error_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numbers>

namespace nir::io {
namespace {

using ::testing::HasSubstr;

constexpr const char* kTurn = R"({"fps": 10, "seconds": 2, "width": 64, "height": 48, "keyframes": [
    {"eye": [4, 0, 1], "look_at": [0, 0, 1], "fov": 40},
    {"eye": [0, 4, 1], "look_at": [0, 0, 1], "fov": 60},
    {"eye": [-4, 0, 1], "look_at": [0, 0, 1], "fov": 60}]})";

TEST(CameraPath, PassesThroughItsKeysAndTurnsEvenly) {
    const CameraPath path = parse_camera_path(kTurn);
    ASSERT_EQ(path.frames(), 20u);
    EXPECT_EQ(path.width, 64);
    EXPECT_NEAR(norm(path.at(0).world_from_camera.position - geom::Vec3d{4, 0, 1}), 0, 1e-12);
    EXPECT_NEAR(norm(path.at(19).world_from_camera.position - geom::Vec3d{-4, 0, 1}), 0, 1e-12);
    EXPECT_NEAR(*path.at(0).fov_rad, 40 * std::numbers::pi / 180, 1e-12);
    for (std::size_t i = 0; i < 20; ++i) {
        const geom::Pose p = path.at(i).world_from_camera;
        EXPECT_LT(geom::rotation_defect(p), 1e-12);
        EXPECT_GT(dot(p.up, geom::Vec3d{0, 0, 1}), 0.999) << i;
        EXPECT_GT(dot(p.forward(), normalized(geom::Vec3d{0, 0, 1} - p.position)), 0.97) << i;
    }
}

TEST(CameraPath, ACircleDoesNotShowItsBeginningTwice) {
    std::string text = kTurn;
    text.insert(1, R"("loop": true, )");
    const CameraPath path = parse_camera_path(text);
    ASSERT_EQ(path.frames(), 20u);
    EXPECT_GT(norm(path.at(19).world_from_camera.position - path.at(0).world_from_camera.position), 0.1);
    EXPECT_LT(path.at(17).world_from_camera.position.y, 0.1) << "from the last key straight back to the first";
}

TEST(CameraPath, NerfstudioFramesAreTakenAsTheyAre) {
    const CameraPath path =
        parse_camera_path(R"({"camera_type": "perspective", "render_width": 200, "render_height": 100,
        "fps": 24, "camera_path": [{"camera_to_world": [1,0,0,5, 0,1,0,6, 0,0,1,7, 0,0,0,1], "fov": 90, "aspect": 2}]})");
    ASSERT_EQ(path.frames(), 1u);
    EXPECT_EQ(path.at(0).world_from_camera.position, (geom::Vec3d{5, 6, 7}));
    EXPECT_NEAR(*path.at(0).fov_rad, 2 * std::atan(2.0), 1e-12);
}

TEST(CameraPath, MistakesAreNamed) {
    const auto says = [](const char* text) {
        return std::string(test::error_of([&] { parse_camera_path(text); }).what());
    };
    EXPECT_THAT(says("{"), HasSubstr("no JSON"));
    EXPECT_THAT(says("[]"), HasSubstr("no JSON object"));
    EXPECT_THAT(says("{}"), HasSubstr("keyframes"));
    EXPECT_THAT(says(R"({"keyframes": []})"), HasSubstr("key frames"));
    EXPECT_THAT(says(R"({"keyframes": [{"eye": [0, 0], "look_at": [1, 0, 0]}]})"), HasSubstr("keyframes[0].eye"));
    EXPECT_THAT(says(R"({"keyframes": [{"eye": [0, 0, 0], "look_at": [0, 0, 0]}]})"), HasSubstr("same point"));
    EXPECT_THAT(says(R"({"keyframes": [{"transform_matrix": [[2,0,0,0],[0,1,0,0],[0,0,1,0]]}]})"),
                HasSubstr("transform_matrix"));
    EXPECT_THAT(says(R"({"fps": 0, "keyframes": [{"eye": [0, 0, 1], "look_at": [0, 0, 0]}]})"), HasSubstr("fps"));
    EXPECT_THAT(says(R"({"keyframes": [{"eye": [0, 0, 1], "look_at": [0, 0, 0], "time": 3},
                                       {"eye": [0, 1, 1], "look_at": [0, 0, 0], "time": 1}]})"),
                HasSubstr("keyframes[1].time"));
    EXPECT_THAT(says(R"({"keyframes": [3]})"), HasSubstr("keyframes[0]"));
}

}  // namespace
}  // namespace nir::io
