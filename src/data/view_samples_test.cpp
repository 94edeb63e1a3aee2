// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Photos of a ball: frame, hull and rays against the ball itself.
#include "nir/data/view_samples.h"

#include "nir/base/error.h"

#include "support/ball_scene.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nir::data {
namespace {

namespace fs = std::filesystem;
using geom::Vec3d;

class Views : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ = fs::path(::testing::TempDir()) /
                  (std::string("nir_views_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::remove_all(folder_);
        scene_ = test::write_ball_scene(folder_, 16, 3, 48);
        config_.path = folder_.string(), config_.pixels = 400;
    }
    void TearDown() override { fs::remove_all(folder_); }
    fs::path folder_;
    io::Scene scene_;
    ViewDataConfig config_;
};

Vec3d at(const std::vector<float>& v, std::size_t i) { return {v[3 * i], v[3 * i + 1], v[3 * i + 2]}; }

TEST_F(Views, FrameAndHullAreThoseOfTheBall) {
    const PosedPictures pictures(config_);
    EXPECT_EQ(pictures.training_views(), 16u);
    EXPECT_EQ(pictures.held_out_views(), 3u);
    EXPECT_TRUE(pictures.holds_out());
    // The ball of radius 0.6 in a scene box of side 2; the hull is a little larger than the ball, the margin 10 %.
    EXPECT_LT(norm(pictures.frame().center_user), 0.06);
    EXPECT_GT(pictures.frame().scale, 1.2 * 1.1 * 0.99);
    EXPECT_LT(pictures.frame().scale, 1.2 * 1.1 * 1.2);
    double farthest = 0;
    std::size_t within = 0;
    for (const auto& p : pictures.hull_points()) {
        const Vec3d world = pictures.frame().user_from_unit(static_cast<Vec3d>(p));
        farthest = std::max(farthest, norm(world));
        within += norm(world) < test::kBallRadius ? 1u : 0u;
    }
    EXPECT_LT(farthest, 1.35 * test::kBallRadius);
    const double cell = pictures.frame().scale / config_.hull_cells;
    const double wanted = 4.0 / 3 * M_PI * std::pow(test::kBallRadius / cell, 3);
    EXPECT_NEAR(static_cast<double>(within), wanted, 0.03 * wanted);  // nothing of the ball is carved away
}

TEST_F(Views, RaysSeeTheBallWhereThePhotoDoes) {
    const PosedPictures pictures(config_);
    std::size_t objects = 0, wrong = 0;
    for (std::uint64_t i = 0; i < 6; ++i) {
        const ViewSample s = i < 4 ? pictures.draw(Rng(i)) : pictures.draw_held_out(i);
        ASSERT_EQ(s.object.size(), 400u);
        ASSERT_EQ(s.rgb.size(), 1200u);
        for (std::size_t k = 0; k < 400; ++k) {
            const geom::Frame& f = pictures.frame();
            const Vec3d o = f.user_from_unit(at(s.origins, k)), d = at(s.directions, k) * f.scale;
            EXPECT_NEAR(norm(o), 4.0, 1e-5);  // where the cameras stand
            const double a = dot(d, d), b = dot(o, d), root = b * b - a * (dot(o, o) - 0.36);
            const bool hits = root > 0;
            objects += hits ? 1u : 0u;
            wrong += hits != (s.object[k] > 0.5f) ? 1u : 0u;
            if (!hits || s.object[k] < 0.5f) continue;
            const Vec3d normal = (o + d * ((-b - std::sqrt(root)) / a)) / test::kBallRadius;
            for (std::size_t c = 0; c < 3; ++c)
                EXPECT_NEAR(255 * s.rgb[3 * k + c], 127.5 + 100 * normal[static_cast<int>(c)], 1.0);
            // Places for missing surface lie in the hull, on the ray.
            const Vec3d p = f.user_from_unit(at(s.occupied, k)), along = p - o;
            EXPECT_LT(norm(cross(along, d)) / norm(d), 1e-4);
            EXPECT_LT(norm(p), 1.4 * test::kBallRadius);
        }
    }
    EXPECT_GT(objects, 500u);
    EXPECT_EQ(wrong, 0u);
}

TEST_F(Views, DepthOneIsOneSideAlongTheCamerasAxis) {
    const PosedPictures pictures(config_);
    const ViewSample s = pictures.draw_held_out(0);
    const auto& view = scene_.views[16];
    for (std::size_t k = 0; k < 20; ++k) {
        const Vec3d d = at(s.directions, k);
        EXPECT_NEAR(dot(d, view.world_from_camera.forward()), 1.0, 1e-5);
    }
}

TEST_F(Views, PhotosCanBeLeftOut) {
    config_.skip = {0, 1, 5};  // test_0, test_1, test_2, train_0, train_1, train_10
    const PosedPictures pictures(config_);
    EXPECT_EQ(pictures.training_views(), 15u);
    EXPECT_EQ(pictures.held_out_views(), 1u);
}

TEST_F(Views, SameSeedSamePixels) {
    const PosedPictures pictures(config_);
    EXPECT_EQ(pictures.draw(Rng(5)).directions, pictures.draw(Rng(5)).directions);
    EXPECT_NE(pictures.draw(Rng(5)).directions, pictures.draw(Rng(6)).directions);
}

std::string message_of(const ViewDataConfig& config) {
    try {
        const PosedPictures pictures(config);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST_F(Views, WhatCannotBeLearnedFromIsRefused) {
    ViewDataConfig none = config_;
    none.path.clear();
    EXPECT_THAT(message_of(none), ::testing::HasSubstr("data.path"));
    ViewDataConfig beyond = config_;
    beyond.skip = {19};
    EXPECT_THAT(message_of(beyond), ::testing::HasSubstr("number 19"));
    // A photo without transparency.
    geom::Image8 opaque(48, 48, 3);
    io::write_png(scene_.views[3].image, opaque);
    EXPECT_THAT(message_of(config_), ::testing::HasSubstr("silhouettes are needed"));
    // An empty silhouette: nothing is left of the hull.
    geom::Image8 empty(48, 48, 4);
    io::write_png(scene_.views[3].image, empty);
    EXPECT_THAT(message_of(config_), ::testing::HasSubstr("do not fit"));
}

}  // namespace
}  // namespace nir::data
