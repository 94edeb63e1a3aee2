// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
// Pictures of a ball against its closed form.
#include "nir/render/field_view.h"

#include "nir/extract/color_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

namespace nir::render {
namespace {

using geom::Vec3d;
using geom::Vec3f;

/// 10 (0.3 - |p|) in the cube of side 1.1; its colours are its places.
class Ball : public extract::ScalarField {
public:
    void values(std::span<const Vec3f> p, std::span<float> out) const override {
        for (std::size_t i = 0; i < p.size(); ++i) out[i] = 10 * (0.3f - norm(p[i]));
    }
    geom::Box3f domain() const override { return {{-0.55f, -0.55f, -0.55f}, {0.55f, 0.55f, 0.55f}}; }
};
class ColoredBall final : public Ball, public extract::ColorSource {
public:
    void colors(std::span<const Vec3f> p, std::span<geom::Rgb8> out) const override {
        const auto byte = [](float v) { return static_cast<std::uint8_t>(std::lround(127.5f + 400 * v)); };
        for (std::size_t i = 0; i < p.size(); ++i) out[i] = {byte(p[i].x), byte(p[i].y), byte(p[i].z)};
    }
};

TEST(FieldView, BallInAFrameIsThatOfTheClosedForm) {
    const ColoredBall field;
    const geom::Frame frame{{1, -2, 0.5}, 3};
    const geom::Camera camera = geom::pinhole_camera(40, 30, 0.8);
    const geom::Pose pose = geom::look_at({6, 1, 3}, frame.center_user);
    FieldViewOptions o;
    o.normals = true, o.background = {0.25f, 0.5f, 0.75f};
    const RenderedView view = render_field(field, 0, frame, camera, pose, o);
    std::size_t hits = 0;
    for (std::size_t p = 0; p < 1200; ++p) {
        const auto ray =
            geom::ray_through(camera, pose, {static_cast<double>(p % 40) + 0.5, static_cast<double>(p / 40) + 0.5});
        const Vec3d from = ray->origin - frame.center_user;
        const double b = dot(from, ray->direction), root = b * b - squared_norm(from) + 0.81;
        if (std::abs(root) < 1e-3) continue;  // grazes
        ASSERT_EQ(view.alpha[p], root > 0 ? 1.0f : 0.0f);
        if (root < 0) {
            EXPECT_EQ(view.rgb[3 * p + 2], 0.75f);
            EXPECT_EQ(view.depth[p], 0);
            continue;
        }
        ++hits;
        const double t = -b - std::sqrt(root);
        EXPECT_NEAR(view.depth[p], t * ray->depth_per_length, 1e-4);
        const Vec3d unit = (from + ray->direction * t) / 3;
        for (int k = 0; k < 3; ++k) {
            const std::size_t i = 3 * p + static_cast<std::size_t>(k);
            EXPECT_NEAR(255 * view.rgb[i], 127.5 + 400 * unit[k], 0.6);
            EXPECT_NEAR(view.normals[i], unit[k] / 0.3, 2e-3);
        }
    }
    EXPECT_GT(hits, 100u);
}

/// Counts what is asked.
class CountedBall final : public Ball {
public:
    void values(std::span<const Vec3f> p, std::span<float> out) const override {
        asked += p.size();
        Ball::values(p, out);
    }
    mutable std::size_t asked = 0;
};

TEST(FieldView, ABandSavesMostQuestionsAndChangesNothing) {
    const CountedBall field;
    const geom::Camera camera = geom::pinhole_camera(96, 72, 0.5);
    const geom::Pose pose = geom::look_at({1.5, 0.9, 2}, {});
    FieldViewOptions o;
    for (const float level : {0.0f, -0.7f}) {
        o.band = nullptr;
        const RenderedView all = render_field(field, level, {}, camera, pose, o);
        const std::size_t before = std::exchange(field.asked, 0);
        const SurfaceBand band(field, level, 32);
        o.band = &band;
        field.asked = 0;
        const RenderedView near = render_field(field, level, {}, camera, pose, o);
        EXPECT_LT(6 * field.asked, before);
        EXPECT_EQ(near.alpha, all.alpha);
        for (std::size_t p = 0; p < all.depth.size(); ++p) ASSERT_NEAR(near.depth[p], all.depth[p], 1e-6);
        field.asked = 0;
        EXPECT_GT(band.share(), 0.1);
        EXPECT_LT(band.share(), 0.5);
    }
}

TEST(FieldView, FieldsWithoutColoursAreGreyAndLitFromTheEye) {
    const geom::Camera camera = geom::pinhole_camera(31, 31, 0.5);
    FieldViewOptions o;
    o.rays = 2;
    const RenderedView view = render_field(Ball{}, 0, {}, camera, geom::look_at({0, 0, 3}, {}), o);
    const std::size_t middle = 3 * (15 * 31 + 15);
    EXPECT_EQ(view.rgb[middle], view.rgb[middle + 1]);
    EXPECT_NEAR(view.rgb[middle], srgb_from_linear(0.7f), 1e-2);
    // Darker towards the rim, and pixels on the rim are mixed with the background.
    float darkest = 1;
    bool mixed = false;
    for (std::size_t p = 0; p < view.alpha.size(); ++p) {
        if (view.alpha[p] == 1) darkest = std::min(darkest, view.rgb[3 * p]);
        mixed = mixed || (view.alpha[p] > 0 && view.alpha[p] < 1);
    }
    EXPECT_LT(darkest, 0.9f * view.rgb[middle]);
    EXPECT_TRUE(mixed);
}

TEST(FieldView, TheLevelMovesTheSurfaceAndTheDomainCuts) {
    const geom::Camera camera = geom::pinhole_camera(1, 1, 0.01);
    const auto depth_at = [&](float level) {
        return render_field(Ball{}, level, {}, camera, geom::look_at({0, 0, 3}, {})).depth[0];
    };
    EXPECT_NEAR(depth_at(0), 2.7, 1e-5);
    EXPECT_NEAR(depth_at(1), 2.8, 1e-5);
    EXPECT_NEAR(depth_at(-2), 2.5, 1e-5);
    EXPECT_NEAR(depth_at(-5), 2.45, 1e-5);  // all of the domain is inside
    EXPECT_EQ(render_field(Ball{}, 4, {}, camera, geom::look_at({0, 0, 3}, {})).alpha[0], 0);
}

}  // namespace
}  // namespace nir::render
