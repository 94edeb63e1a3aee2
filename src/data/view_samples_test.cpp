// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Photos of a ball: frame, hull and rays against the ball itself.
#include "nir/data/view_samples.h"

#include "nir/base/error.h"
#include "nir/io/npy.h"

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

TEST_F(Views, RaysThroughPointsOfStructureFromMotionEndThere) {
    // Points of the ball, the last not of the hull; a photo sees what faces it.
    std::vector<double> points;
    Rng rng(5);
    for (int i = 0; i < 300; ++i) {
        const Vec3d p = normalized(Vec3d{rng.uniform() - 0.5, rng.uniform() - 0.5, rng.uniform() - 0.5}) *
                        (i < 299 ? test::kBallRadius : 3.0);
        for (int a = 0; a < 3; ++a) points.push_back(p[a]);
    }
    std::vector<std::uint8_t> in_hull(300, 1);
    in_hull[299] = 0;
    std::vector<std::string> names;
    for (const auto& v : scene_.views) names.push_back(v.name);
    std::sort(names.begin(), names.end());
    io::TensorFile file;
    file.arrays.push_back(io::NamedArray::from("points", {300, 3}, points));
    file.arrays.push_back(io::NamedArray::from("is_in_visual_hull", {300}, in_hull));
    for (std::size_t n = 0; n < names.size(); ++n) {
        const auto view = std::find_if(scene_.views.begin(), scene_.views.end(),
                                       [&](const io::SceneView& v) { return v.name == names[n]; });
        std::vector<std::int64_t> seen{299};
        const bool sees =
            names[n] != scene_.views[scene_.indices(io::Split::train)[2]].name;  // one photo: nothing of use
        for (std::int64_t i = 0; i < 299 && sees; ++i) {
            const auto k = 3 * static_cast<std::size_t>(i);
            const Vec3d p{points[k], points[k + 1], points[k + 2]};
            if (dot(view->world_from_camera.position - p, p) > 0) seen.push_back(i);
        }
        const auto count = static_cast<std::int64_t>(seen.size());
        file.arrays.push_back(io::NamedArray::from(fmt::format("visibility_{:04}", n), {count}, seen));
    }
    io::write_npz(folder_ / "pcl.npz", file);
    config_.sparse = 50;
    const PosedPictures pictures(config_);
    std::size_t known = 0, blind = 0;
    for (std::uint64_t i = 0; i < 40; ++i) {
        const ViewSample s = pictures.draw(Rng(i));
        ASSERT_EQ(s.sparse_depth.size(), 50u);
        ASSERT_EQ(s.sparse_directions.size(), 150u);
        blind += std::isinf(s.sparse_depth[0]);
        for (std::size_t k = 0; k < 50; ++k) {
            if (std::isinf(s.sparse_depth[k])) continue;
            const Vec3d o = at(s.sparse_origins, k), d = at(s.sparse_directions, k);
            const Vec3d p = pictures.frame().user_from_unit(o + d * static_cast<double>(s.sparse_depth[k]));
            EXPECT_NEAR(norm(p), test::kBallRadius, 1e-5);
            // Depth 1 along the camera's axis, as the other rays of the photo have it.
            const Vec3d axis = at(s.directions, 0);
            EXPECT_NEAR(norm(at(s.origins, 0) - o), 0, 1e-6);
            EXPECT_GT(dot(axis, d), 0.9);
            EXPECT_GE(norm(d), 1 - 1e-6);
            ++known;
        }
    }
    EXPECT_GT(known, 1000u);
    EXPECT_GT(blind, 0u);
    EXPECT_LT(blind, 12u);
    fs::remove(folder_ / "pcl.npz");
    EXPECT_THROW(PosedPictures{config_}, Error);
    file.arrays.back() = io::NamedArray::from(file.arrays.back().name, {1}, std::vector<std::int64_t>{300});
    io::write_npz(folder_ / "pcl.npz", file);
    EXPECT_THROW(PosedPictures{config_}, Error);
}

}  // namespace
}  // namespace nir::data
